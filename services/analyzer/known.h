/*
 * known: the flows whose records are written already, so that an object that comes a second time
 * gives no second record.
 *
 * The files of records are the truth: they tell a worker that was killed which records of an object
 * it had written, without a second file that would have to agree with them. In memory are the last
 * `max` identities; a record that is repeated after more than that many others is written again,
 * with the same flow_id.
 */
#ifndef ANALYZER_KNOWN_H
#define ANALYZER_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* Of the files, the last day and the one before it are read, and no more than this of their end. */
#define KNOWN_READ_BYTES (256u << 20)

struct known;

/* known_new: 0 or -ENOMEM. */
int known_new(size_t max, struct known **out);
void known_free(struct known **k);

/* known_add: takes a flow_id (32 hex digits; another text is never known). False: it is there
 * already. Beyond max the oldest one goes. */
bool known_add(struct known *k, struct bytes flow_id);
/* known_back: forgets the last n that were added. */
void known_back(struct known *k, size_t n);
size_t known_count(const struct known *k);

/* known_load: adds what the files of records in dir name. 0 or -errno. */
int known_load(struct known *k, const char *dir);

#endif
