/*
 * waits: which numbers are in the journal, from one on.
 */
#ifndef LURKER_WAITS_H
#define LURKER_WAITS_H

#include <stddef.h>
#include <stdint.h>

struct waits_range {
	uint64_t from, to; /* to: the first one that is not there */
};

struct waits {
	struct waits_range *v; /* of each segment that can hold such numbers, ascending */
	size_t n;
};

/* waits_read: counts the whole records of the segments, up to the first that is none. An absent
 * journal holds nothing. 0 or -errno; waits_free in any case. */
int waits_read(const char *dir, uint64_t from, struct waits *out);
void waits_free(struct waits *w);

/* waits_count: the numbers from n on, n not below the one it was read from. waits_end: the first
 * number after all of them; 0 when there are none. */
uint64_t waits_count(const struct waits *w, uint64_t n);
uint64_t waits_end(const struct waits *w);

#endif
