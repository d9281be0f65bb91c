/*
 * totals: what was counted over the life of the state directory, however often flowagg was killed.
 *
 * The checkpoint carries the totals. Packets taken in after it are replayed after a crash, so the
 * checkpoint's totals and what this run counted are together exact. A total that never restarts is
 * base (the totals when this run began) plus this run's counter.
 */
#ifndef FLOWAGG_TOTALS_H
#define FLOWAGG_TOTALS_H

#include <stdint.h>

#include "flowagg/agg.h"

struct totals {
	uint64_t base[AGG_TOTALS];
};

/* totals_begin: goes on from the totals that a checkpoint brought (a->total). */
void totals_begin(struct totals *t, const struct agg *a);
/* totals_sum: brings a->total up to date; count is indexed by enum flowagg_count. */
void totals_sum(const struct totals *t, struct agg *a, const uint64_t *count);
/* totals_number_from: packet numbers go on with `from` although the numbers before it were not
 * counted: TOTAL_BEFORE takes up the difference. */
void totals_number_from(struct totals *t, struct agg *a, const uint64_t *count, uint64_t from);

#endif
