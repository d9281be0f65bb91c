/*
 * logs: events to one stream of CloudWatch Logs, a batch at a time. Group and stream are made when
 * missing.
 *
 * An event's time is that of the flow's first packet, in whole seconds.
 */
#ifndef CLOUD_LOGS_H
#define CLOUD_LOGS_H

#include <json.h>
#include <stdint.h>

#include "cloud/creds.h"
#include "cloud/logs_batch.h"
#include "cloud/response.h"

struct logs;

/* Strings are borrowed. */
struct logs_conf {
	const char *group, *stream, *region;
	const char *endpoint; /* NULL or empty: the region's */
};

struct logs_counts {
	uint64_t shortened; /* records cut to what an event may have */
	uint64_t left;      /* records that the service does not take: too old, too new */
};

/* How a delivery ended. why: one line; NULL with OUTCOME_OK. wait_ns: the least time until the
 * next, or 0. */
typedef void (*logs_done_fn)(void *arg, enum outcome r, const char *why, uint64_t wait_ns);

/* logs_new: borrows h and creds. 0 or -errno. */
int logs_new(struct http *h, struct creds_chain *creds, const struct logs_conf *conf,
	     logs_done_fn done, void *arg, struct logs **out);
void logs_free(struct logs **l);

/* logs_add: a record to the batch, with its JSON text; json is the same, parsed, and may be
 * changed; NULL: parsed here where that is needed. */
enum logs_add logs_add(struct logs *l, struct bytes text, struct json_object *json, int64_t init_s);

/* logs_send: begins to deliver the batch; ends in done(), during the call or later. May be called
 * again for the same batch. */
void logs_send(struct logs *l);
void logs_clear(struct logs *l); /* empties the batch */
size_t logs_gathered(const struct logs *l);
const struct logs_counts *logs_counts(const struct logs *l);

#endif
