/*
 * delivery: one sink's records on their way: read from the saved offset, filtered, gathered into
 * batches, sent; then the offset is saved.
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
	const char *offset;  /* file; its folder exists */
	uint32_t first_day;  /* where to begin without an offset: YYYYMMDD; 0: the oldest record */
	struct sink_filter filter;
	uint64_t linger_ns; /* longest wait of a batch that is not full */
	uint64_t retry_first_ns, retry_max_ns, stuck_ns;
};

struct delivery_counts {
	uint64_t read, delivered, batches, filtered, unreadable, refused, retries, stuck;
};

/* delivery_new: begins at once. Borrows the sink and conf's strings. alert, which may be NULL, gets
 * one alert when an outage begins and one when it ends. 0 or -errno: -EINVAL for a damaged
 * offset. */
int delivery_new(struct loop *l, struct sink *s, const struct delivery_conf *conf,
		 retry_alert_fn alert, void *arg, struct delivery **out);
void delivery_free(struct delivery **d);
/* delivery_wake: there may be new records. */
void delivery_wake(struct delivery *d);
/* delivery_drain: waits at most ms for the batch in progress; takes no new records. */
void delivery_drain(struct delivery *d, int ms);
const struct delivery_counts *delivery_counts(const struct delivery *d);
/* delivery_gathered: records gathered and not delivered yet. */
uint64_t delivery_gathered(const struct delivery *d);

#endif
