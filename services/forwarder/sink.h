/*
 * sink: where records go. One small file a destination, behind one table.
 *
 * A sink gathers records to a batch and delivers it as a whole; the lane (lane.h) reads records, keeps the offset,
 * filters, and decides on retries. So delivery is at least once, in order, and a sink keeps no state on disk.
 */
#ifndef FORWARDER_SINK_H
#define FORWARDER_SINK_H

#include <json.h>
#include <stdint.h>

#include "proto/buf.h"

struct record {
	struct bytes line;        /* the JSON text */
	struct json_object *json; /* the same, parsed; the sink may change it */
	int64_t init_s;           /* init_ts, whole seconds */
};

enum sink_add {
	SINK_TAKEN,
	SINK_FULL, /* not taken: the batch is to be delivered first */
	SINK_LEFT, /* not taken, and never will be: counted by the sink */
};

enum sink_result {
	SINK_DELIVERED,
	SINK_RETRY, /* the fault may pass */
	SINK_STUCK, /* a person has to act */
	SINK_REFUSED, /* the batch as it is: smaller ones are tried, and what is refused alone is left out */
};

/* why: one line; NULL with SINK_DELIVERED. wait_ns: the least time until the next delivery, or 0. */
typedef void (*sink_done_fn)(void *arg, enum sink_result r, const char *why, uint64_t wait_ns);

struct sink;
struct sink_class {
	const char *name; /* of its options and its offset file */
	enum sink_add (*add)(struct sink *s, const struct record *r);
	/* Begins to deliver the batch; ends in done(), during the call or later. May be called again for the same
	 * batch. */
	void (*send)(struct sink *s);
	void (*clear)(struct sink *s); /* empties the batch */
	void (*drain)(struct sink *s, int ms);
	void (*free)(struct sink *s);
};

struct sink_counts {
	uint64_t shortened; /* records cut to the destination's limits */
	uint64_t left;      /* records the destination cannot take */
};

struct sink {
	const struct sink_class *class;
	struct sink_counts counts;
	sink_done_fn done;
	void *arg;
};

#endif
