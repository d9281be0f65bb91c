/*
 * bus: one PUB socket bound (bus_end.h), one SUB socket a subscription (bus_sub.h).
 */
#include "rt/bus.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "proto/codec.h"
#include "rt/bus_end.h"
#include "rt/bus_sub.h"
#include "rt/gaps.h"
#include "rt/loop.h"
#include "rt/zap.h"

#define MAX_SUBS   24 /* two sockets each, of the 64 that a loop serves */
#define MAX_TOPICS 16
#define MEND_NS    NS_PER_S
#define BOUND_NS   100000000u

struct topic {
	char name[GAPS_TOPIC + 1];
	uint64_t seq; /* of the next message */
};

struct bus {
	struct bus_end end;
	void *pub;
	struct zap *zap;
	uint64_t epoch;
	struct topic topics[MAX_TOPICS];
	size_t ntopics;
	struct bus_sub *subs[MAX_SUBS];
	unsigned nsubs;
	bool bounds; /* a timer looks after remote publishers */
	struct buf envelope;
	_Atomic size_t waiting; /* bytes of large bodies that not all subscribers have yet */
	struct bus_counts counts;
};

/* A large body on its way. */
struct large {
	struct bus *bus;
	size_t n;
	uint8_t body[];
};

int bus_new(const struct bus_options *o, struct loop *l, struct bus **out, char *err, size_t errlen)
{
	struct bus *b = calloc(1, sizeof *b);
	if (!b) {
		snprintf(err, errlen, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	int rc = 0;
	b->epoch = clock_real_ns();
	buf_init(&b->envelope, BUS_MAX_ENVELOPE);
	b->end = (struct bus_end){.o = *o, .ctx = zmq_ctx_new(), .loop = l};
	if (!b->end.ctx) {
		rc = bus_end_rc();
		snprintf(err, errlen, "ZeroMQ context: %s", strerror(-rc));
	} else if (o->producer) {
		rc = bus_end_bind(&b->end, &b->pub, &b->zap, err, errlen);
	}
	if (rc < 0) {
		bus_free(&b, 0);
		return rc;
	}
	*out = b;
	return 0;
}

void bus_free(struct bus **bp, int linger_ms)
{
	struct bus *b = *bp;
	if (!b)
		return;
	for (unsigned i = 0; i < b->nsubs; i++)
		bus_sub_free(&b->subs[i]);
	if (b->pub) {
		zmq_setsockopt(b->pub, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
		zmq_close(b->pub);
	}
	zap_close(&b->zap);
	while (b->end.ctx && zmq_ctx_term(b->end.ctx) < 0 && errno == EINTR)
		;
	buf_fini(&b->envelope);
	free(b);
	*bp = NULL;
}

uint64_t bus_epoch(const struct bus *b)
{
	return b->epoch;
}

struct bus_counts bus_counts(const struct bus *b)
{
	return b->counts;
}

static struct topic *topic_of(struct bus *b, const char *name)
{
	for (size_t i = 0; i < b->ntopics; i++) {
		if (strcmp(b->topics[i].name, name) == 0)
			return &b->topics[i];
	}
	if (b->ntopics == MAX_TOPICS || !name[0] || strlen(name) > GAPS_TOPIC)
		return NULL;
	struct topic *t = &b->topics[b->ntopics++];
	strcpy(t->name, name);
	return t;
}

static int send_frame(struct bus *b, struct bytes frame, int more)
{
	const void *p = frame.n > 0 ? frame.p : (const uint8_t *)"";
	return zmq_send(b->pub, p, frame.n, ZMQ_DONTWAIT | more) < 0 ? bus_end_rc() : 0;
}

/* On a thread of libzmq's, when the last subscriber has it or lost it. */
static void arrived(void *data, void *hint)
{
	struct large *l = hint;
	(void)data;
	atomic_fetch_sub(&l->bus->waiting, l->n);
	free(l);
}

static int send_large(struct bus *b, struct bytes body)
{
	struct large *l = malloc(sizeof *l + body.n);
	zmq_msg_t msg;
	if (!l)
		return -ENOMEM;
	*l = (struct large){.bus = b, .n = body.n};
	memcpy(l->body, body.p, body.n);
	if (zmq_msg_init_data(&msg, l->body, body.n, arrived, l) < 0) {
		free(l);
		return bus_end_rc();
	}
	atomic_fetch_add(&b->waiting, body.n);
	if (zmq_msg_send(&msg, b->pub, ZMQ_DONTWAIT) >= 0)
		return 0;
	int rc = bus_end_rc();
	zmq_msg_close(&msg);
	return rc;
}

/* has_room: whether another body of n bytes may wait. One that is alone always may. */
static bool has_room(const struct bus *b, size_t n)
{
	size_t waiting = atomic_load(&b->waiting);
	return n <= BUS_SMALL || !waiting || waiting + n <= BUS_MAX_WAITING;
}

int bus_publish(struct bus *b, const char *topic, struct bytes body)
{
	if (!b->pub)
		return -EBADF;
	struct topic *t = topic_of(b, topic);
	if (!t)
		return -EINVAL;
	/* What is not sent took its number all the same: subscribers are to know that it is
	 * missing. */
	struct msg_envelope e = {.v = BUS_VERSION,
				 .sensor = bytes_str(b->end.o.sensor),
				 .producer = bytes_str(b->end.o.producer),
				 .epoch = b->epoch,
				 .seq = t->seq++,
				 .ts = clock_real_ns()};
	if (body.n > BUS_MAX_FRAME)
		return -EMSGSIZE;
	if (!has_room(b, body.n)) {
		b->counts.crowded_out++;
		return -ENOBUFS;
	}
	buf_reset(&b->envelope);
	int rc = msg_encode(&msg_envelope_schema, &e, &b->envelope);
	if (rc == 0)
		rc = send_frame(b, bytes_str(t->name), ZMQ_SNDMORE);
	if (rc == 0)
		rc = send_frame(b, buf_bytes(&b->envelope), ZMQ_SNDMORE);
	if (rc == 0)
		rc = body.n > BUS_SMALL ? send_large(b, body) : send_frame(b, body, 0);
	if (rc == 0)
		b->counts.published++;
	return rc;
}

static void mend(void *arg)
{
	struct bus *b = arg;
	for (unsigned i = 0; i < b->nsubs; i++)
		bus_sub_mend(b->subs[i]);
}

static void bound(void *arg)
{
	struct bus *b = arg;
	for (unsigned i = 0; i < b->nsubs; i++)
		bus_sub_bound(b->subs[i]);
}

int bus_subscribe(struct bus *b, const char *producer, const char *topic, bus_fn fn, void *arg)
{
	if (b->nsubs == MAX_SUBS)
		return -ENOSPC;
	if (b->nsubs == 0) {
		int rc = loop_every(b->end.loop, MEND_NS, mend, b);
		if (rc < 0)
			return rc;
	}
	int rc = bus_sub_new(&b->end, b->nsubs, producer, topic, fn, arg, &b->counts,
			     &b->subs[b->nsubs]);
	if (rc < 0)
		return rc;
	/* Local publishers are our own account's. */
	bool remote = bus_sub_remote(b->subs[b->nsubs++]);
	if (remote && !b->bounds) {
		rc = loop_every(b->end.loop, BOUND_NS, bound, b);
		b->bounds = rc == 0;
	}
	return rc;
}
