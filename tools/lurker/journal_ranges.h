/*
 * journal_ranges: which numbers are in the journal, from one on.
 */
#ifndef LURKER_JOURNAL_RANGES_H
#define LURKER_JOURNAL_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct journal_range {
	uint64_t from, to; /* to: the first one that is not there */
};

struct journal_ranges {
	struct journal_range *v; /* of each segment that can hold such numbers, ascending */
	size_t n;
};

/* journal_ranges_read: counts the whole records of the segments, up to the first that is none. An absent
 * journal holds nothing. 0 or -errno; journal_ranges_free in any case. */
int journal_ranges_read(const char *dir, uint64_t from, struct journal_ranges *out);
void journal_ranges_free(struct journal_ranges *w);

/* journal_ranges_count: the numbers from n on, n not below the one it was read from. journal_ranges_end: the first
 * number after all of them; 0 when there are none. */
uint64_t journal_ranges_count(const struct journal_ranges *w, uint64_t n);
uint64_t journal_ranges_end(const struct journal_ranges *w);

#endif
