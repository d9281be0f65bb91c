/*
 * bus: ZeroMQ PUB/SUB with the lurker envelope.
 *
 * A message has three frames: topic, envelope (msgpack map {v, sensor, producer, epoch, seq, ts}),
 * body. seq counts from 0 per producer and topic; epoch (the producer's start, ns) changes at each
 * start. So a subscriber counts exactly what it missed. Each producer binds its own endpoint, by
 * default ipc://RUN_DIR/PRODUCER.sock. A tcp:// endpoint is refused without CURVE keys.
 *
 * Nothing blocks: a slow subscriber loses messages, which its gap counter shows. What waits for it
 * is bounded in number by hwm, and in bytes by BUS_MAX_WAITING: while so much waits, large messages
 * are sent to nobody.
 */
#ifndef RT_BUS_H
#define RT_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

struct bus;
struct loop;

#define BUS_VERSION 1
/* A larger frame is dropped by the receiving socket (ZMQ_MAXMSGSIZE) and never sent. */
#define BUS_MAX_FRAME (32u << 20)
/* Bytes that may wait in bodies larger than BUS_SMALL; the small ones are few, hwm times that. */
#define BUS_MAX_WAITING (64u << 20)
#define BUS_SMALL       (4u << 10)

struct bus_options {
	const char *sensor;   /* borrowed for the life of the bus */
	const char *producer; /* service name; NULL: subscribe only */
	const char *run_dir;
	const char *endpoint; /* of this producer; NULL: the default ipc endpoint */
	/* CURVE, for tcp:// endpoints: Z85 key files made by `lurker keygen`. */
	const char *curve_secret;  /* own secret key file */
	const char *curve_server;  /* public key file of the producers we subscribe to */
	const char *curve_clients; /* directory of public keys that may subscribe to us */
	int64_t hwm;               /* messages queued per subscriber */
	int64_t hwm_in;            /* messages queued of each producer; 0: hwm */
};

struct bus_msg {
	struct bytes topic, sensor, producer;
	uint64_t epoch, seq, ts_ns;
	struct bytes body; /* valid during the callback */
	uint64_t missed;   /* messages lost just before this one, from this producer and topic */
	bool new_epoch;    /* the producer (re)started: first message of an epoch we see */
};

typedef void (*bus_fn)(void *arg, const struct bus_msg *msg);

/* bus_new: creates the context and, with a producer, binds. Starts ZeroMQ's threads: after the
 * sandbox. */
int bus_new(const struct bus_options *o, struct loop *l, struct bus **out, char *err,
	    size_t errlen);
/* bus_free: sends what is queued for at most linger_ms. */
void bus_free(struct bus **b, int linger_ms);
uint64_t bus_epoch(const struct bus *b);

/* bus_publish: sends body under topic; sequence numbers advance even when nobody listens, or when
 * it is not sent. 0 or -errno; -ENOBUFS: too much waits for slow subscribers. */
int bus_publish(struct bus *b, const char *topic, struct bytes body);

/* bus_subscribe: connects to a producer (by name, or a full endpoint with "://") and calls fn for
 * each message of topic ("" for all). May be called before the producer exists, and more than once.
 */
int bus_subscribe(struct bus *b, const char *producer, const char *topic, bus_fn fn, void *arg);

/* Totals since the start, for `stat`. */
struct bus_counts {
	uint64_t published, received, missed, malformed, crowded_out;
};
struct bus_counts bus_counts(const struct bus *b);

#endif
