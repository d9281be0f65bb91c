/*
 * logs_batch: the events of one PutLogEvents request, within its limits. Pure.
 *
 * At most 10,000 events and 1,048,576 bytes (text plus 26 an event), in order of time, none older
 * than 14 days or more than 2 hours ahead, all within 24 hours (CloudWatch Logs API reference,
 * PutLogEvents).
 */
#ifndef CLOUD_LOGS_BATCH_H
#define CLOUD_LOGS_BATCH_H

#include <stdint.h>

#include "proto/buf.h"

#define LOGS_EVENTS    10000
#define LOGS_BYTES     1048576
#define LOGS_EVENT_ADD 26
/* One event, its 26 bytes included. */
#define LOGS_EVENT_MAX 262144

enum logs_add {
	LOGS_TAKEN,
	LOGS_FULL, /* not taken: the batch is to be delivered first */
	LOGS_LEFT, /* not taken, and never will be */
};

struct logs_batch {
	struct logs_event {
		int64_t ms;
		uint32_t at, n; /* in text */
		uint32_t order;
	} * events;
	size_t n, bytes;
	int64_t min_ms, max_ms;
	struct buf text;
};

int logs_batch_init(struct logs_batch *b); /* 0 or -ENOMEM */
void logs_batch_fini(struct logs_batch *b);
void logs_batch_clear(struct logs_batch *b);

/* logs_batch_add: LOGS_LEFT: the service would not take an event of this time, or of more than
 * LOGS_EVENT_MAX. */
enum logs_add logs_batch_add(struct logs_batch *b, struct bytes text, int64_t ms, int64_t now_ms);

/* logs_batch_body: sorts the events by time and appends the request's JSON. 0 or -errno of out. */
int logs_batch_body(struct logs_batch *b, const char *group, const char *stream, struct buf *out);

/* logs_batch_rejected: of how many events the response of a PutLogEvents says that the service did
 * not want them by their time: it names the end of those too old and the first too new. What is no
 * such response says so of none. */
size_t logs_batch_rejected(const struct logs_batch *b, struct bytes body);

#endif
