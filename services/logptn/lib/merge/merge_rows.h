/*
 * merge_rows: what the passes share: patterns in groups of equal keys, and one pattern in place of
 * a group.
 */
#ifndef LOGPTN_LIB_MERGE_MERGE_ROWS_H
#define LOGPTN_LIB_MERGE_MERGE_ROWS_H

#include "logptn/lib/pat/pat.h"

/* A key of a pattern: patterns with equal keys are looked at together. False: leave it out. */
typedef bool (*merge_key_fn)(const struct pats *p, const struct pat *q, uint64_t *key);

/* A group: rows of equal keys with at least two patterns alive, by hash. True if it was merged. */
typedef bool (*merge_group_fn)(struct pats *p, const struct pat_row *rows, size_t n);

/* merge_by_key: groups all patterns by one key each and calls fn for each group. True if any call
 * returned true. */
bool merge_by_key(struct pats *p, merge_key_fn key, merge_group_fn fn);

/* merge_groups: the same for rows that the caller has made; they are sorted here. */
bool merge_groups(struct pats *p, struct pat_row *rows, size_t n, merge_group_fn fn);

/* merge_alive: keeps the rows whose pattern is alive; returns their number. */
uint32_t merge_alive(const struct pats *p, struct pat_row *rows, uint32_t n);

/* merge_join: the pattern with these codes replaces the patterns of rows. False out of memory. */
bool merge_join(struct pats *p, const struct pat_row *rows, size_t n, const uint32_t *code,
		uint32_t len);

/* merge_replace: the same for patterns that differ in the codes a and b at most: values stand there
 * afterwards. */
bool merge_replace(struct pats *p, const struct pat_row *rows, size_t n, uint32_t a, uint32_t b);

/* merge_without: the pattern's hash without the code at i. */
uint64_t merge_without(const struct pats *p, const struct pat *q, uint32_t i);

#endif
