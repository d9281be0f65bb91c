#include <string.h>

#include "flowagg/flowagg.h"

static void fill_packets(uint64_t *m, const struct agg_counts *c)
{
	m[FLOWAGG_PACKETS] = c->packets;
	m[FLOWAGG_TICKS] = c->ticks;
	m[FLOWAGG_PACKETS_RESTORED] = c->restored;
	m[FLOWAGG_PACKETS_SEALED] = c->sealed;
	m[FLOWAGG_PACKETS_OPEN] = c->open;
	m[FLOWAGG_PACKETS_BUNDLED] = c->bundled;
	m[FLOWAGG_FRAGMENTS_JOINED] = c->fragments_joined;
	m[FLOWAGG_FRAGMENTS_ALONE] = c->fragments_alone;
	m[FLOWAGG_CLOCK_SET_BACK] = c->set_back;
	m[FLOWAGG_DROPPED_ARP] = c->arp;
	m[FLOWAGG_DROPPED_OTHER_L3] = c->other_l3;
	m[FLOWAGG_DROPPED_BROKEN] = c->broken;
	m[FLOWAGG_DROPPED_UNKNOWN_LINK] = c->unknown_link;
	m[FLOWAGG_DROPPED_OTHER_SIDE] = c->other_side;
	m[FLOWAGG_DROPPED_OWN] = c->own;
}

static void fill_flows(uint64_t *m, const struct agg_counts *c)
{
	m[FLOWAGG_FLOWS] = c->flows;
	m[FLOWAGG_FLOWS_SEALED] = c->flows_sealed;
	m[FLOWAGG_FLOWS_BUNDLED] = c->flows_bundled;
	m[FLOWAGG_BUNDLES] = c->bundles;
	m[FLOWAGG_ENDED_IDLE] = c->ended[END_IDLE];
	m[FLOWAGG_ENDED_AGE] = c->ended[END_AGE];
	m[FLOWAGG_ENDED_SIZE] = c->ended[END_SIZE];
	m[FLOWAGG_ENDED_REUSE] = c->ended[END_REUSE];
	m[FLOWAGG_EVICTED_PLAIN] = c->evicted_plain;
	m[FLOWAGG_EVICTED_DATA] = c->evicted_data;
}

void flowagg_fill(struct flowagg *f)
{
	uint64_t *m = f->count;
	const struct source *source = &f->follow.source;
	struct spool_use use = spool_use(f->deliver.spool);

	fill_packets(m, &f->agg.counts);
	fill_flows(m, &f->agg.counts);
	totals_sum(&f->totals, &f->agg, m);
	/* The rows stand in the order of the enum. */
	_Static_assert(FLOWAGG_TOTAL_DISK - FLOWAGG_TOTAL_BEFORE + 1 == AGG_TOTALS,
		       "a row for each total");
	memcpy(&m[FLOWAGG_TOTAL_BEFORE], f->agg.total, sizeof f->agg.total);
	m[FLOWAGG_PACKETS_BUS] = source->from_bus;
	m[FLOWAGG_PACKETS_JOURNAL] = source->from_journal;
	m[FLOWAGG_PACKETS_KNOWN] = source->known;
	m[FLOWAGG_CATCH_UPS] = source->catch_ups;
	/* 0 is wanted before the first packet. */
	m[FLOWAGG_NEXT_NUMBER] = source->next ? source->next : 1;
	m[FLOWAGG_CATCHING_UP] = source->catching_up;
	m[FLOWAGG_HELD] = source->held;
	m[FLOWAGG_PACKETS_PENDING] = f->deliver.pending_packets;
	m[FLOWAGG_FLOWS_OPEN] = f->agg.table.used;
	m[FLOWAGG_MEMORY_BYTES] = (uint64_t)f->agg.pool.used * PACKET_POOL_BLOCK;
	m[FLOWAGG_SPOOL_BYTES] = use.bytes;
	m[FLOWAGG_SPOOL_FILES] = use.files;
	m[FLOWAGG_FOR_UPLOADER] = conf_feeds(&f->conf, "uploader");
	m[FLOWAGG_FOR_ANALYZER] = conf_feeds(&f->conf, "analyzer");
}

enum spool_turn spool_watch_look(struct spool_watch *w, const uint64_t *count, uint64_t now_ns)
{
	uint64_t files = count[FLOWAGG_DROPPED_EVICTED_FILES] + count[FLOWAGG_DROPPED_SPOOL_FILES];

	if (files != w->given_up) {
		bool was_full = w->full;
		*w = (struct spool_watch){true, files, now_ns};
		return was_full ? SPOOL_STAYS : SPOOL_FILLED;
	}
	if (!w->full || now_ns - w->given_up_at_ns <= SPOOL_WELL_NS)
		return SPOOL_STAYS;
	w->full = false;
	return SPOOL_RELIEVED;
}
