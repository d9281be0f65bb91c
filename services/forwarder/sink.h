/*
 * sink: a destination of records: one file, one sink_class.
 *
 * A sink gathers records into a batch and sends it as a whole. The delivery (delivery.h) reads the
 * records, filters them, keeps the offset, and decides on retries. So each record arrives at least
 * once, in order, and a sink keeps no state on disk.
 */
#ifndef FORWARDER_SINK_H
#define FORWARDER_SINK_H

#include <json.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/outcome.h"
#include "proto/buf.h"

struct conf;
struct creds_chain;
struct http;
struct loop;

struct record {
	struct bytes line;        /* the JSON text; valid during add() */
	struct json_object *json; /* the same, parsed; the sink may change it */
	double init_ts;           /* of the flow's first packet, seconds; 0: the record has none */
};

enum sink_add {
	SINK_TAKEN,
	SINK_FULL, /* not taken: the batch must be delivered first */
	SINK_LEFT, /* not taken, and never will be; the sink has counted it */
};

/* How a delivery ended. why: one line; NULL with OUTCOME_OK. wait_ns: the least time until the next
 * delivery, or 0. */
typedef void (*sink_done_fn)(void *arg, enum outcome r, const char *why, uint64_t wait_ns);

/* What a sink may use; borrowed for its life. */
struct sink_env {
	const struct conf *conf;
	struct loop *loop;
	struct http *http;
	struct creds_chain *creds;
	const char *region, *sensor;
};

struct sink;
struct sink_class {
	const char *name; /* as in sinks.def; for the log and alerts */
	/* System calls beyond those of HTTP that it needs, NULL-terminated; may be NULL. */
	const char *const *calls;
	/* Whether its options make sense, without doing anything: 0, or -EINVAL with why. May be
	 * NULL. */
	int (*check)(const struct conf *c, char *why, size_t n);
	int (*new)(const struct sink_env *env, struct sink **out); /* 0 or -errno */
	enum sink_add (*add)(struct sink *s, const struct record *r);
	/* Begins to deliver the batch; ends in done(), during the call or later. May be called
	 * again for the same batch. */
	void (*send)(struct sink *s);
	void (*clear)(struct sink *s); /* empties the batch; not while it is being delivered */
	/* Waits at most ms for the delivery in progress. NULL: a delivery is HTTP requests only. */
	void (*drain)(struct sink *s, int ms);
	void (*free)(struct sink *s);
};

struct sink_counts {
	uint64_t shortened; /* records shortened to the destination's limits */
	uint64_t left;      /* records skipped: the destination cannot take them */
};

struct sink {
	const struct sink_class *class;
	struct sink_counts counts;
	sink_done_fn done;
	void *arg;
};

#endif
