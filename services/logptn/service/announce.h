/*
 * announce: log templates to records/format first, then to the bus.
 */
#ifndef LOGPTN_SERVICE_ANNOUNCE_H
#define LOGPTN_SERVICE_ANNOUNCE_H

#include "logptn/service/groups.h"
#include "rt/bus.h"

/* Zeroed: closed. */
struct announcer {
	struct records *out;
	struct bus *bus;
	struct buf body, json;
	uint64_t published, fresh; /* messages on the bus; log templates never seen before */
};

/* announce_open: dir is …/records/format. bus is borrowed. 0, or -errno after logging it. */
int announce_open(struct announcer *a, const char *dir, int64_t keep_days, struct bus *bus);
void announce_close(struct announcer *a);

/* announce_format: a groups_fn, arg is the announcer. A log template that is new, or has grown out
 * of others, is recorded; every one is published. A failure is logged. */
void announce_format(void *arg, const struct group *g, const struct formats *f,
		     const struct format *m);

#endif
