/*
 * trail: the packets of a flow as places in their file, one after the other, for all flows of the
 * file.
 *
 * A flow whose packets can be read again needs no more than this until its record is due.
 */
#ifndef ANALYZER_TRAIL_H
#define ANALYZER_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trail;

/* Of one flow: ids, counted from 1. */
struct trail_ends {
	uint32_t first, last;
};

/* trail_new: for bytes of memory, which is taken as it fills. 0 or -errno. */
int trail_new(size_t bytes, struct trail **out);
void trail_free(struct trail **t);
/* trail_clear: forgets all trails. */
void trail_clear(struct trail *t);

/* trail_begin: a trail whose first entry is value. trail_add: appends one. False: there is no room
 * for it (left), or the value is beyond 2^40. */
bool trail_begin(struct trail *t, uint64_t value, struct trail_ends *out);
bool trail_add(struct trail *t, struct trail_ends *ends, uint64_t value);

/* trail_at: the value of an entry, and the id of the next one (0: none). */
uint64_t trail_at(const struct trail *t, uint32_t id, uint32_t *next);
/* trail_drop: no entry before this one is needed any more. */
void trail_drop(struct trail *t, uint32_t id);
void trail_prefetch(const struct trail *t, uint32_t id);

#endif
