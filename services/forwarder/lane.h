/*
 * lane: the way of the records to one sink: read from the saved offset, filter, batch, deliver,
 * save the offset.
 */
#ifndef FORWARDER_LANE_H
#define FORWARDER_LANE_H

#include <stdbool.h>

#include "filter.h"
#include "rt/loop.h"
#include "sink.h"

struct lane;

struct lane_conf {
	const char *records; /* folder of the topic's records */
	const char *offset;  /* file; its folder is there */
	uint32_t first_day;  /* where to begin without an offset: YYYYMMDD, 0: the oldest */
	struct filter filter;
	uint64_t linger_ns; /* a batch that is not full waits so long for more */
	uint64_t retry_first_ns, retry_max_ns, stuck_ns;
};

struct lane_counts {
	uint64_t read, delivered, batches, filtered, unreadable, refused, retries, stuck;
};

/* Trouble begins (once) or has ended. May be NULL. */
typedef void (*lane_trouble_fn)(void *arg, const char *sink, bool begins, bool stuck,
				const char *message);

/* lane_new: begins at once. Borrows the sink and conf's strings. 0 or -errno. */
int lane_new(struct loop *l, struct sink *s, const struct lane_conf *conf, lane_trouble_fn trouble,
	     void *arg, struct lane **out);
void lane_free(struct lane **l);
/* lane_wake: there may be new records. */
void lane_wake(struct lane *l);
/* lane_drain: lets the batch under way end, for at most ms. */
void lane_drain(struct lane *l, int ms);
const struct lane_counts *lane_counts(const struct lane *l);
/* Records gathered and not delivered yet. */
uint64_t lane_gathered(const struct lane *l);

#endif
