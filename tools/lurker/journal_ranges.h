/*
 * journal_ranges: which packet numbers are in the journal, from a given one on.
 */
#ifndef LURKER_JOURNAL_RANGES_H
#define LURKER_JOURNAL_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct journal_range {
	uint64_t from, to; /* to: the first number after the range */
};

struct journal_ranges {
	struct journal_range *v; /* one for each segment that can hold such numbers, ascending */
	size_t n;
};

/* journal_ranges_read: counts the records of each segment up to the first damaged one. An absent
 * journal is empty. 0 or -errno; call journal_ranges_free in either case. */
int journal_ranges_read(const char *dir, uint64_t from, struct journal_ranges *out);
void journal_ranges_free(struct journal_ranges *w);

/* journal_ranges_count: how many numbers from n on are in the journal; n is not below the number
 * that it was read from. journal_ranges_end: the first number after the last range; 0 without
 * one. */
uint64_t journal_ranges_count(const struct journal_ranges *w, uint64_t n);
uint64_t journal_ranges_end(const struct journal_ranges *w);

#endif
