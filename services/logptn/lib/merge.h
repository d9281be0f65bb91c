/*
 * merge: from patterns that are skeletons to patterns that are formats.
 *
 * Passes over all patterns until nothing changes. Each pass groups patterns by a hash of what must
 * be equal and replaces the members of a group by one pattern. Nothing here knows a kind of log;
 * results change little when the numbers in the passes do.
 */
#ifndef LOGPTN_LIB_MERGE_H
#define LOGPTN_LIB_MERGE_H

#include "logptn/lib/pat.h"

/* merge_run: all passes. 0 or -ENOMEM. */
int merge_run(struct pats *p);

/* The passes; true if something was merged. */
bool merge_slots(struct pats *p);  /* one word varies */
bool merge_pairs(struct pats *p);  /* two words vary together */
bool merge_stems(struct pats *p);  /* several words vary, each in its digits only */
bool merge_values(struct pats *p); /* key=value: what stands behind keys varies in form */
bool merge_forms(struct pats *p);  /* same words, values of different form: 10.0.0.1 and LOCAL(0) */
bool merge_lists(struct pats *p);  /* the same values, more or fewer of them */
bool merge_spans(
	struct pats *p); /* a value of one word here, of several there; with and without a unit */

/* merge_groups: rows (key set, sorted here) in runs of equal keys with at least two patterns alive:
 * fn is called for each. True if any call returned true. */
typedef bool (*merge_group_fn)(struct pats *p, const struct pat_row *rows, size_t n);
bool merge_groups(struct pats *p, struct pat_row *rows, size_t n, merge_group_fn fn);

#endif
