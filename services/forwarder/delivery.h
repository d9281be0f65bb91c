/*
 * delivery: the way of the records to one sink: read from the saved offset, filter, batch, deliver,
 * save the offset.
 */
#ifndef FORWARDER_DELIVERY_H
#define FORWARDER_DELIVERY_H

#include <stdbool.h>

#include "cloud/retry.h"
#include "rt/loop.h"
#include "sink.h"
#include "sink_filter.h"

struct delivery;

struct delivery_conf {
	const char *records; /* folder of the topic's records */
	const char *offset;  /* file; its folder is there */
	uint32_t first_day;  /* where to begin without an offset: YYYYMMDD, 0: the oldest */
	struct sink_filter filter;
	uint64_t linger_ns; /* a batch that is not full waits so long for more */
	uint64_t retry_first_ns, retry_max_ns, stuck_ns;
};

struct delivery_counts {
	uint64_t read, delivered, batches, filtered, unreadable, refused, retries, stuck;
};

/* delivery_new: begins at once. Borrows the sink and conf's strings. 0 or -errno. */
int delivery_new(struct loop *l, struct sink *s, const struct delivery_conf *conf,
		 retry_alert_fn alert, void *arg, struct delivery **out);
void delivery_free(struct delivery **d);
/* delivery_wake: there may be new records. */
void delivery_wake(struct delivery *d);
/* delivery_drain: lets the batch under way end, for at most ms. */
void delivery_drain(struct delivery *d, int ms);
const struct delivery_counts *delivery_counts(const struct delivery *d);
/* Records gathered and not delivered yet. */
uint64_t delivery_gathered(const struct delivery *d);

#endif
