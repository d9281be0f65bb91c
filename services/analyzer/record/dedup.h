/*
 * dedup: deduplication by flow_id. An object that is delivered twice gives no second record.
 *
 * The record files are the truth: after a kill, they tell a worker which records of an object it
 * has written. No second file has to agree with them. Memory holds the last `max` identities; a
 * record that is repeated after more than `max` others is written again, with the same flow_id.
 */
#ifndef ANALYZER_DEDUP_H
#define ANALYZER_DEDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* dedup_load reads the last two days of records, and at most this much from the end. */
#define DEDUP_READ_BYTES (256u << 20)

struct dedup;

/* dedup_new: 0 or -ENOMEM. */
int dedup_new(size_t max, struct dedup **out);
void dedup_free(struct dedup **k);

/* dedup_add: remembers a flow_id (32 hex digits; other text is never remembered). False if it was
 * remembered already. When max is reached, the oldest one is forgotten. */
bool dedup_add(struct dedup *k, struct bytes flow_id);
/* dedup_back: forgets the n that were added last. */
void dedup_back(struct dedup *k, size_t n);
size_t dedup_count(const struct dedup *k);

/* dedup_load: adds the flow_ids in the record files of dir. 0 or -errno. */
int dedup_load(struct dedup *k, const char *dir);

#endif
