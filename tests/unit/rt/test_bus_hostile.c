/* Publishers that send what no publisher of ours does. */
#include "rt/bus.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "bus_pair.h"
#include "proto/codec.h"
#include "turn.h"

TestSuite(bus_hostile, .init = pair_setup, .fini = pair_fini, .timeout = 60);

static void *hostile_ctx, *hostile;
static struct buf envelope;

static void open_hostile(struct got *g, const char *topic)
{
	char endpoint[128];
	snprintf(endpoint, sizeof endpoint, "ipc://%s/capture.sock", pair_dir);
	hostile_ctx = zmq_ctx_new();
	hostile = zmq_socket(hostile_ctx, ZMQ_PUB);
	cr_assert_eq(zmq_bind(hostile, endpoint), 0);
	pair_open_sub();
	pair_subscribe("capture", topic, g);
}

static void close_hostile(void)
{
	int zero = 0;
	zmq_setsockopt(hostile, ZMQ_LINGER, &zero, sizeof zero);
	zmq_close(hostile);
	zmq_ctx_term(hostile_ctx);
	buf_fini(&envelope);
}

static void frames(const struct bytes *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		zmq_send(hostile, f[i].n ? f[i].p : (const uint8_t *)"", f[i].n,
			 i + 1 < n ? ZMQ_SNDMORE : 0);
}

/* The bytes are good until the next call. */
static struct bytes make_envelope(uint64_t v, const char *producer, uint64_t seq)
{
	struct msg_envelope e = {.v = v,
				 .sensor = bytes_str("s1"),
				 .producer = bytes_str(producer),
				 .epoch = 7,
				 .seq = seq};
	buf_fini(&envelope);
	buf_init(&envelope, 4096);
	cr_assert_eq(msg_encode(&msg_envelope_schema, &e, &envelope), 0);
	return buf_bytes(&envelope);
}

static bool hostile_joined(void *arg)
{
	struct got *g = arg;
	static uint64_t seq;
	if (g->n > 0)
		return true;
	struct bytes f[3] = {bytes_str("packet"), make_envelope(1, "capture", seq++),
			     bytes_str("body")};
	frames(f, 3);
	return false;
}

Test(bus_hostile, malformed_messages_are_counted_and_dropped)
{
	struct got g = {0};
	open_hostile(&g, "packet");
	cr_assert(turn_until(hostile_joined, &g));
	turn_for(100);
	uint64_t n = g.n, seq = g.last.seq;

	struct bytes topic = bytes_str("packet"), body = bytes_str("body"),
		     junk = bytes_str("\xc1junk");
	static uint8_t large[4096];
	memset(large, 0x91, sizeof large);
	struct bytes good = make_envelope(1, "capture", seq + 1);
	frames((struct bytes[]){topic}, 1);
	frames((struct bytes[]){topic, good}, 2);
	frames((struct bytes[]){topic, good, body, body}, 4);
	frames((struct bytes[]){topic, (struct bytes){0}, body}, 3);
	frames((struct bytes[]){topic, junk, body}, 3);
	frames((struct bytes[]){topic, bytes_of(good.p, good.n - 1), body}, 3);
	frames((struct bytes[]){topic, bytes_of(large, sizeof large), body}, 3);
	frames((struct bytes[]){topic, bytes_str("\xdf\xff\xff\xff\xff"), body}, 3);
	frames((struct bytes[]){bytes_str("packets"), good, body}, 3);
	frames((struct bytes[]){topic, make_envelope(2, "capture", seq + 1), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "flowagg", seq + 1), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", seq), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", UINT64_MAX), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", seq + 2), body}, 3);
	cr_assert(pair_comes_to(&g.n, n + 1));
	turn_for(50);
	cr_assert_eq(g.n, n + 1);
	cr_assert_eq(g.missed, 1, "a refused message does not move the sequence");
	cr_assert_eq(bus_counts(pair_sub).malformed, 13);
	close_hostile();
}

Test(bus_hostile, frame_beyond_the_limit_never_reaches_memory)
{
	struct got g = {0};
	open_hostile(&g, "packet");
	cr_assert(turn_until(hostile_joined, &g));
	turn_for(100);
	uint64_t n = g.n;
	uint8_t *big = calloc(1, BUS_MAX_FRAME + 1);
	frames((struct bytes[]){bytes_str("packet"), make_envelope(1, "capture", 1000),
				bytes_of(big, BUS_MAX_FRAME + 1)},
	       3);
	turn_for(300);
	cr_assert_eq(g.n, n);
	free(big);
	/* The connection that brought it was dropped; the subscriber comes back. */
	uint64_t seq = 2000;
	for (int i = 0; i < 200 && g.n == n; i++) {
		frames((struct bytes[]){bytes_str("packet"), make_envelope(1, "capture", seq++),
					bytes_str("x")},
		       3);
		turn_for(50);
	}
	cr_assert_gt(g.n, n);
	close_hostile();
}
