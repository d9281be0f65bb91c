#include "rt/bus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/codec.h"
#include "turn.h"

static char dir[64], err[512];
static struct bus *pub, *sub;

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-bus-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void fini(void)
{
	bus_free(&sub, 0);
	bus_free(&pub, 0);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(bus, .init = setup, .fini = fini, .timeout = 60);

static struct bus_options options(const char *producer)
{
	return (struct bus_options){
		.sensor = "s1", .producer = producer, .run_dir = dir, .hwm = 100000};
}

static void open_pub(const char *producer)
{
	struct bus_options o = options(producer);
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof(err)), 0, "%s", err);
}

static void open_sub(void)
{
	struct bus_options o = options(NULL);
	cr_assert_eq(bus_new(&o, NULL, &sub, err, sizeof(err)), 0, "%s", err);
}

/* A publisher and a subscriber that keep few messages: hwm of them, and hwm_in (0: hwm). */
static void open_both(const char *producer, int64_t hwm, int64_t hwm_in)
{
	struct bus_options o = options(producer);
	o.hwm = hwm;
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof(err)), 0, "%s", err);
	o.producer = NULL;
	o.hwm_in = hwm_in;
	cr_assert_eq(bus_new(&o, NULL, &sub, err, sizeof(err)), 0, "%s", err);
}

/* What a subscriber got. */
struct got {
	uint64_t n, missed, epochs, bytes;
	struct bus_msg last;
	char topic[64], sensor[64], producer[64], body[64];
};

static void on_msg(void *arg, const struct bus_msg *m)
{
	struct got *g = arg;
	g->n++;
	g->missed += m->missed;
	g->epochs += m->new_epoch;
	g->bytes += m->body.n;
	g->last = *m;
	snprintf(g->topic, sizeof(g->topic), "%.*s", (int)m->topic.n, (const char *)m->topic.p);
	snprintf(g->sensor, sizeof(g->sensor), "%.*s", (int)m->sensor.n, (const char *)m->sensor.p);
	snprintf(g->producer, sizeof(g->producer), "%.*s", (int)m->producer.n,
		 (const char *)m->producer.p);
	snprintf(g->body, sizeof(g->body), "%.*s", (int)m->body.n, (const char *)m->body.p);
}

static void subscribe(const char *producer, const char *topic, struct got *g)
{
	cr_assert_eq(bus_subscribe(sub, producer, topic, on_msg, g), 0);
}

/* Publishes until the subscription has reached the publisher. */
struct until_joined {
	const char *topic;
	struct got *g;
	uint64_t before;
};

static bool joined(void *arg)
{
	struct until_joined *j = arg;
	if (j->g->n > j->before)
		return true;
	cr_assert_eq(bus_publish(pub, j->topic, bytes_str("hello")), 0);
	return false;
}

static void join(const char *topic, struct got *g)
{
	struct until_joined j = {topic, g, g->n};
	cr_assert(turn_until(joined, &j));
	turn_for(100); /* what is still on its way */
}

/* Publishes until a subscriber that was behind has seen message number seq, or a later one. */
struct until_seen {
	const char *topic;
	struct got *g;
	uint64_t seq;
};

static bool seen_it(void *arg)
{
	struct until_seen *u = arg;
	if (u->g->last.seq >= u->seq)
		return true;
	cr_assert_eq(bus_publish(pub, u->topic, bytes_str("hello")), 0);
	return false;
}

static void catch_up(const char *topic, struct got *g, uint64_t seq)
{
	cr_assert(turn_until(seen_it, &(struct until_seen){topic, g, seq}));
}

struct count {
	const uint64_t *is;
	uint64_t want;
};

static bool reached(void *arg)
{
	struct count *c = arg;
	return *c->is >= c->want;
}

static bool comes_to(const uint64_t *is, uint64_t want)
{
	return turn_until(reached, &(struct count){is, want});
}

Test(bus, message_arrives_with_its_envelope)
{
	struct got g = {0};
	open_pub("flowagg");
	open_sub();
	subscribe("flowagg", "flow", &g);
	join("flow", &g);
	uint64_t n = g.n, seq = g.last.seq;
	cr_assert_eq(bus_publish(pub, "flow", bytes_str("body")), 0);
	cr_assert(comes_to(&g.n, n + 1));
	cr_assert_str_eq(g.topic, "flow");
	cr_assert_str_eq(g.sensor, "s1");
	cr_assert_str_eq(g.producer, "flowagg");
	cr_assert_str_eq(g.body, "body");
	cr_assert_eq(g.last.seq, seq + 1);
	cr_assert_eq(g.last.epoch, bus_epoch(pub));
	cr_assert_geq(g.last.ts_ns, bus_epoch(pub));
	cr_assert_eq(g.missed, 0);
	cr_assert_eq(g.epochs, 1);
	cr_assert_eq(bus_counts(sub).received, g.n);
	cr_assert_eq(bus_counts(sub).malformed, 0);
}

Test(bus, each_topic_has_its_sequence_and_its_callback)
{
	struct got flow = {0}, all = {0};
	open_pub("flowagg");
	open_sub();
	subscribe("flowagg", "flow", &flow);
	subscribe("flowagg", "", &all);
	join("flow", &flow);
	join("stat", &all);
	uint64_t flows = flow.n, alls = all.n, flow_seq = flow.last.seq;
	for (int i = 0; i < 10; i++) {
		bus_publish(pub, "flow", bytes_str("f"));
		bus_publish(pub, "stat", bytes_str("s"));
	}
	cr_assert(comes_to(&flow.n, flows + 10));
	cr_assert(comes_to(&all.n, alls + 20));
	turn_for(50);
	cr_assert_eq(flow.n, flows + 10);
	cr_assert_eq(flow.last.seq, flow_seq + 10);
	cr_assert_eq(flow.missed + all.missed, 0);
}

Test(bus, body_may_be_empty_or_as_large_as_a_frame)
{
	struct got g = {0};
	open_pub("capture");
	open_sub();
	subscribe("capture", "packet", &g);
	join("packet", &g);
	uint64_t n = g.n, bytes = g.bytes;
	cr_assert_eq(bus_publish(pub, "packet", (struct bytes){0}), 0);
	uint8_t *big = calloc(1, BUS_MAX_FRAME + 1);
	cr_assert_eq(bus_publish(pub, "packet", bytes_of(big, BUS_MAX_FRAME)), 0);
	cr_assert(comes_to(&g.n, n + 2));
	cr_assert_eq(g.bytes, bytes + BUS_MAX_FRAME);
	cr_assert_eq(g.missed, 0);
	/* One byte more is never sent, but has its number: the subscriber sees that it is missing.
	 */
	cr_assert_eq(bus_publish(pub, "packet", bytes_of(big, BUS_MAX_FRAME + 1)), -EMSGSIZE);
	cr_assert_eq(bus_publish(pub, "packet", bytes_str("next")), 0);
	cr_assert(comes_to(&g.n, n + 3));
	cr_assert_eq(g.missed, 1);
	free(big);
}

Test(bus, subscriber_may_be_first_and_outlives_restarts)
{
	struct got g = {0};
	open_sub();
	subscribe("capture", "packet", &g);
	turn_for(50);
	open_pub("capture");
	join("packet", &g);
	cr_assert_eq(g.epochs, 1);
	uint64_t first_epoch = g.last.epoch;
	bus_free(&pub, 100);
	open_pub("capture");
	/* Until the subscriber has come back it loses what is published; the count says exactly how
	 * much. */
	uint64_t missed = g.missed;
	join("packet", &g);
	cr_assert_eq(g.epochs, 2);
	cr_assert_neq(g.last.epoch, first_epoch);
	cr_assert_eq(bus_counts(pub).published, g.last.seq + 1);
	cr_assert_leq(g.missed - missed, g.last.seq);
	cr_assert_eq(bus_counts(sub).missed, g.missed);
}

/* A subscriber that does not read: what exceeds both high-water marks is lost, and counted to the
 * last one. */
Test(bus, slow_subscriber_counts_what_it_lost)
{
	struct got g = {0};
	open_both("capture", 10, 0);
	subscribe("capture", "packet", &g);
	join("packet", &g);
	uint64_t seen = g.n, first = g.last.seq, sent = 2000;
	static uint8_t body[20000];
	for (uint64_t i = 0; i < sent; i++)
		cr_assert_eq(bus_publish(pub, "packet", bytes_of(body, sizeof(body))), 0);
	/* Now that it reads again, the next messages show the gap. */
	catch_up("packet", &g, first + sent + 1);
	cr_assert_gt(g.missed, 0);
	cr_assert_eq(g.last.seq - first, g.n - seen + g.missed,
		     "every number is either seen or counted");
	cr_assert_eq(bus_counts(sub).missed, g.missed);
}

/* Large messages wait up to a number of bytes, whatever hwm allows. Beyond it they are counted, by
 * the publisher and by who misses them; small ones go on, and so do the large ones once there is
 * room. */
Test(bus, what_waits_is_bounded_in_bytes)
{
	struct got g = {0};
	open_both("analyzer", 1000, 2);
	subscribe("analyzer", "analysis", &g);
	join("analysis", &g);
	uint64_t first = g.last.seq, seen = g.n, refused = 0;
	static uint8_t body[4 << 20];
	for (int i = 0; i < 40; i++) {
		int rc = bus_publish(pub, "analysis", bytes_of(body, sizeof(body)));
		cr_assert(rc == 0 || rc == -ENOBUFS);
		refused += rc != 0;
	}
	/* The subscriber's two and what is between the sockets is no longer the publisher's. */
	cr_assert_geq(refused, 40 - BUS_MAX_WAITING / sizeof(body) - 8);
	cr_assert_lt(refused, 40);
	cr_assert_eq(bus_counts(pub).crowded_out, refused);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(bus_publish(pub, "analysis", bytes_of(body, BUS_SMALL)), 0);
	cr_assert(comes_to(&g.n, seen + 40 - refused + 100));
	cr_assert_eq(bus_publish(pub, "analysis", bytes_of(body, sizeof(body))), 0);
	cr_assert(comes_to(&g.n, seen + 40 - refused + 101));
	cr_assert_eq(g.missed, refused);
	cr_assert_eq(g.last.seq, first + 141);
}

/* What a subscriber keeps has a bound of its own: the rest waits with the publisher, as far as that
 * allows. */
Test(bus, a_subscriber_that_reads_on_disk_keeps_few)
{
	struct got g = {0};
	open_both("capture", 100, 10);
	subscribe("capture", "packet", &g);
	join("packet", &g);
	uint64_t first = g.last.seq;
	static uint8_t body[20000];
	for (int i = 0; i < 3000; i++) {
		cr_assert_eq(bus_publish(pub, "packet", bytes_of(body, sizeof(body))), 0);
		if (i % 50 == 0)
			usleep(1000); /* for libzmq's threads to move them */
	}
	catch_up("packet", &g, first + 3001);
	cr_assert_lt(g.bytes, 500 * sizeof(body));
	cr_assert_gt(g.missed, 2500);
}

Test(bus, a_busy_topic_ends_its_turn)
{
	struct got g = {0};
	open_pub("capture");
	open_sub();
	subscribe("capture", "packet", &g);
	join("packet", &g);
	uint64_t n = g.n;
	for (int i = 0; i < 1000; i++)
		bus_publish(pub, "packet", bytes_str("x"));
	cr_assert(comes_to(&g.n, n + 1000));
	cr_assert_eq(g.missed, 0);
}

/* --- hostile publishers --- */

static void *hostile_ctx, *hostile;
static struct buf envelope;

static void open_hostile(struct got *g, const char *topic)
{
	char endpoint[128];
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/capture.sock", dir);
	hostile_ctx = zmq_ctx_new();
	hostile = zmq_socket(hostile_ctx, ZMQ_PUB);
	cr_assert_eq(zmq_bind(hostile, endpoint), 0);
	open_sub();
	subscribe("capture", topic, g);
}

static void close_hostile(void)
{
	int zero = 0;
	zmq_setsockopt(hostile, ZMQ_LINGER, &zero, sizeof(zero));
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

Test(bus, malformed_messages_are_counted_and_dropped)
{
	struct got g = {0};
	open_hostile(&g, "packet");
	cr_assert(turn_until(hostile_joined, &g));
	turn_for(100);
	uint64_t n = g.n, seq = g.last.seq;

	struct bytes topic = bytes_str("packet"), body = bytes_str("body"),
		     junk = bytes_str("\xc1junk");
	static uint8_t large[4096];
	memset(large, 0x91, sizeof(large));
	struct bytes good = make_envelope(1, "capture", seq + 1);
	frames((struct bytes[]){topic}, 1);
	frames((struct bytes[]){topic, good}, 2);
	frames((struct bytes[]){topic, good, body, body}, 4);
	frames((struct bytes[]){topic, (struct bytes){0}, body}, 3);
	frames((struct bytes[]){topic, junk, body}, 3);
	frames((struct bytes[]){topic, bytes_of(good.p, good.n - 1), body}, 3);
	frames((struct bytes[]){topic, bytes_of(large, sizeof(large)), body}, 3);
	frames((struct bytes[]){topic, bytes_str("\xdf\xff\xff\xff\xff"), body}, 3);
	frames((struct bytes[]){bytes_str("packets"), good, body}, 3);
	frames((struct bytes[]){topic, make_envelope(2, "capture", seq + 1), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "flowagg", seq + 1), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", seq), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", UINT64_MAX), body}, 3);
	frames((struct bytes[]){topic, make_envelope(1, "capture", seq + 2), body}, 3);
	cr_assert(comes_to(&g.n, n + 1));
	turn_for(50);
	cr_assert_eq(g.n, n + 1);
	cr_assert_eq(g.missed, 1, "a refused message does not move the sequence");
	cr_assert_eq(bus_counts(sub).malformed, 13);
	close_hostile();
}

Test(bus, frame_beyond_the_limit_never_reaches_memory)
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

/* --- endpoints --- */

Test(bus, socket_of_a_dead_process_is_replaced)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/capture.sock", dir);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	struct got g = {0};
	open_pub("capture");
	open_sub();
	subscribe("capture", "packet", &g);
	join("packet", &g);
}

Test(bus, socket_of_a_living_process_is_respected)
{
	open_pub("capture");
	struct bus_options o = options("capture");
	struct bus *second = NULL;
	cr_assert_eq(bus_new(&o, NULL, &second, err, sizeof(err)), -EADDRINUSE);
	cr_assert_null(second);
	cr_assert_not_null(strstr(err, "another capture is running"), "%s", err);
	struct got g = {0};
	open_sub();
	subscribe("capture", "packet", &g);
	join("packet", &g); /* the first one still has it */
}

Test(bus, socket_is_for_owner_and_group)
{
	char path[128];
	struct stat st;
	snprintf(path, sizeof(path), "%s/capture.sock", dir);
	umask(0);
	open_pub("capture");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660, "%o", st.st_mode);
	cr_assert_eq(umask(0), 0, "the umask is as before");
}

static void refuse(const char *endpoint, int want, const char *why)
{
	struct bus_options o = options("capture");
	o.endpoint = endpoint;
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof(err)), want, "%s: %s", endpoint, err);
	cr_assert_not_null(strstr(err, why), "%s", err);
	cr_assert_null(pub);
}

Test(bus, endpoints_that_are_refused)
{
	refuse("tcp://127.0.0.1:0", -EPERM, "CURVE");
	refuse("inproc://x", -EINVAL, "ipc:// and tcp://");
	refuse("ipc:///nonexistent/dir/x.sock", -ENOENT, "/nonexistent/dir/x.sock");
	open_sub();
	struct got g;
	cr_assert_eq(bus_subscribe(sub, "tcp://127.0.0.1:1", "packet", on_msg, &g), -EPERM);
	cr_assert_eq(bus_subscribe(sub, "udp://127.0.0.1:1", "packet", on_msg, &g), -EINVAL);
	cr_assert_eq(
		bus_subscribe(sub, "capture", "a-topic-with-more-than-32-characters", on_msg, &g),
		-EINVAL);
	cr_assert_eq(bus_subscribe(sub, "a-name-with-more-than-32-characters", "t", on_msg, &g),
		     -EINVAL);
}

Test(bus, names_topics_and_subscriptions_are_bounded)
{
	struct bus_options o = options("capture");
	char name[80];
	o.sensor = "";
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof(err)), -EINVAL);
	memset(name, 'x', 65);
	name[65] = '\0';
	o.sensor = name;
	cr_assert_eq(bus_new(&o, NULL, &pub, err, sizeof(err)), -EINVAL);
	open_pub("capture");
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "topic%d", i);
		cr_assert_eq(bus_publish(pub, name, bytes_str("")), 0);
	}
	cr_assert_eq(bus_publish(pub, "one-more", bytes_str("")), -EINVAL);
	cr_assert_eq(bus_publish(pub, "", bytes_str("")), -EINVAL);
	open_sub();
	cr_assert_eq(bus_publish(sub, "packet", bytes_str("")), -EBADF, "it has no producer");
	struct got g;
	for (int i = 0; i < 24; i++)
		cr_assert_eq(bus_subscribe(sub, "capture", "packet", on_msg, &g), 0);
	cr_assert_eq(bus_subscribe(sub, "capture", "packet", on_msg, &g), -ENOSPC);
}

/* Waiting for a producer that is not there must not spin: far less than a tenth of a second of work
 * in half a second. Processor time of this process, not of the clock on the wall. */
Test(bus, absent_producer_costs_nothing)
{
	struct got g = {0};
	struct rusage before, after;
	open_sub();
	subscribe("capture", "packet", &g);
	getrusage(RUSAGE_SELF, &before);
	turn_for(500);
	getrusage(RUSAGE_SELF, &after);
	long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
		   before.ru_stime.tv_sec) *
			  1000000L +
		  after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
		  before.ru_stime.tv_usec;
	cr_assert_lt(us, 100000);
}
