#include "flowagg/totals.h"

#include <string.h>

#include "flowagg/flowagg_count.h"

void totals_begin(struct totals *t, const struct agg *a)
{
	memcpy(t->base, a->total, sizeof t->base);
}

void totals_sum(const struct totals *t, struct agg *a, const uint64_t *count)
{
	const struct agg_counts *c = &a->counts;
	const uint64_t since[AGG_TOTALS] = {
		[TOTAL_PACKETS] = c->packets,
		[TOTAL_TICKS] = c->ticks,
		[TOTAL_GAP] = count[FLOWAGG_DROPPED_GAP],
		[TOTAL_ARP] = c->arp,
		[TOTAL_OTHER_L3] = c->other_l3,
		[TOTAL_BROKEN] = c->broken,
		[TOTAL_UNKNOWN_LINK] = c->unknown_link,
		[TOTAL_OTHER_SIDE] = c->other_side,
		[TOTAL_OWN] = c->own,
		[TOTAL_SEALED] = c->sealed,
		[TOTAL_DELIVERED] = count[FLOWAGG_PACKETS_DELIVERED] + count[FLOWAGG_PACKETS_AGAIN],
		[TOTAL_SPOOL] = count[FLOWAGG_DROPPED_SPOOL],
		[TOTAL_DISK] = count[FLOWAGG_DROPPED_DISK],
	};

	for (int i = 0; i < AGG_TOTALS; i++)
		a->total[i] = t->base[i] + since[i];
}

void totals_number_from(struct totals *t, struct agg *a, const uint64_t *count, uint64_t from)
{
	totals_sum(t, a, count);
	t->base[TOTAL_BEFORE] =
		from - 1 - a->total[TOTAL_PACKETS] - a->total[TOTAL_TICKS] - a->total[TOTAL_GAP];
}
