/*
 * pat_ends: what several runs of codes have in common at both ends; what differs between the ends
 * becomes one value. "LOCAL(0)," and "10.0.0.1," have the end "," in common and become "*,".
 */
#ifndef LOGPTN_LIB_PAT_PAT_ENDS_H
#define LOGPTN_LIB_PAT_PAT_ENDS_H

#include "logptn/lib/pat/pat.h"

struct ends {
	uint32_t pre, post; /* codes in common at the start and at the end */
	uint32_t least;     /* length of the shortest run */
	bool differs;       /* not all runs are the same */
};

/* ends_of: the first run, of n codes: it agrees with itself. */
static inline struct ends ends_of(uint32_t n)
{
	return (struct ends){n, n, n, false};
}

/* ends_narrow: b[0..lb) is another run, a[0..la) the first. */
void ends_narrow(struct ends *e, const uint32_t *a, uint32_t la, const uint32_t *b, uint32_t lb);

/* ends_append: appends the first run a[0..la) to code[0..len): as it is if all runs are the same,
 * otherwise the common ends with one value between them. Returns the new length, at most
 * len + la + 1. */
uint32_t ends_append(const struct ends *e, const uint32_t *a, uint32_t la, uint32_t *code,
		     uint32_t len);

#endif
