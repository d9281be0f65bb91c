/*
 * dedup: the flows whose records are written already, so that an object that comes a second time
 * gives no second record.
 *
 * The files of records are the truth: they tell a worker that was killed which records of an object
 * it had written, without a second file that would have to agree with them. In memory are the last
 * `max` identities; a record that is repeated after more than that many others is written again,
 * with the same flow_id.
 */
#ifndef ANALYZER_DEDUP_H
#define ANALYZER_DEDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* Of the files, the last day and the one before it are read, and no more than this of their end. */
#define DEDUP_READ_BYTES (256u << 20)

struct dedup;

/* dedup_new: 0 or -ENOMEM. */
int dedup_new(size_t max, struct dedup **out);
void dedup_free(struct dedup **k);

/* dedup_add: takes a flow_id (32 hex digits; another text is never known). False: it is there
 * already. Beyond max the oldest one goes. */
bool dedup_add(struct dedup *k, struct bytes flow_id);
/* dedup_back: forgets the last n that were added. */
void dedup_back(struct dedup *k, size_t n);
size_t dedup_count(const struct dedup *k);

/* dedup_load: adds what the files of records in dir name. 0 or -errno. */
int dedup_load(struct dedup *k, const char *dir);

#endif
