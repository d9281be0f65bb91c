#include "balance.h"

#include <string.h>

const struct balance_rule balance_rules[] = {
	{
		.stage = "capture receives packets",
		.service = "capture",
		.unit = "packets",
		.in = {{BALANCE_SUM, "received", "from the interface"}},
		.out = {{BALANCE_SUM, "packets", "written to the journal"},
			{BALANCE_SUM, "dropped_journal", "refused by the disk"},
			{BALANCE_SUM, "dropped_size", "too large"},
			{BALANCE_SUM, "dropped_empty", "empty"}},
	},
	{
		.stage = "capture numbers packets and ticks",
		.service = "capture",
		.unit = "numbers",
		.start = "first_number",
		.in = {{BALANCE_GREW, "next_number", "assigned"}},
		.out = {{BALANCE_SUM, "packets", "packets"},
			{BALANCE_SUM, "ticks", "ticks"},
			{BALANCE_LATE, "next_number",
			 "assigned after the last counters were saved: before a kill, or on a full disk"}},
	},
	{
		.stage = "capture hands numbers to flowagg",
		.service = "journal",
		.unit = "numbers",
		.whole = true,
		.in = {{BALANCE_DISK, "given", "assigned by capture"}},
		.out = {{BALANCE_DISK, "taken", "taken in by flowagg"},
			{BALANCE_DISK, "waiting", "waiting in the journal"},
			{BALANCE_DISK, "removed",
			 "removed from the journal unread, to keep it bounded"}},
	},
	{
		.stage = "flowagg takes numbers in",
		.service = "flowagg",
		.unit = "numbers",
		.in = {{BALANCE_GREW, "next_number", "read or skipped"}},
		.out = {{BALANCE_GREW, "total_packets", "packets"},
			{BALANCE_GREW, "total_ticks", "ticks"},
			{BALANCE_GREW, "total_gap", "missing from the journal"},
			{BALANCE_GREW, "total_before", "assigned before flowagg's first start"}},
	},
	{
		.stage = "flowagg makes flows",
		.service = "flowagg",
		.unit = "packets",
		.in = {{BALANCE_GREW, "total_packets", "read from capture"},
		       {BALANCE_BEGIN, "packets_open", "in open flows at the beginning"},
		       {BALANCE_BEGIN, "packets_bundled", "in the bundle at the beginning"}},
		.out = {{BALANCE_GREW, "total_sealed", "sealed into files"},
			{BALANCE_END, "packets_open", "in open flows at the end"},
			{BALANCE_END, "packets_bundled", "in the bundle at the end"},
			{BALANCE_GREW, "total_own", "the host's own connections"},
			{BALANCE_GREW, "total_other_side", "the other side's"},
			{BALANCE_GREW, "total_arp", "ARP"},
			{BALANCE_GREW, "total_other_l3", "not IP"},
			{BALANCE_GREW, "total_broken", "broken headers"},
			{BALANCE_GREW, "total_unknown_link", "unknown link type"}},
	},
	{
		.stage = "flowagg delivers files",
		.service = "flowagg",
		.unit = "packets",
		.in = {{BALANCE_GREW, "total_sealed", "sealed into files"},
		       {BALANCE_BEGIN, "packets_pending", "being delivered at the beginning"}},
		.out = {{BALANCE_GREW, "total_delivered", "in the queues"},
			{BALANCE_END, "packets_pending", "being delivered at the end"},
			{BALANCE_GREW, "total_spool", "dropped because the spool was full"},
			{BALANCE_GREW, "total_disk", "dropped because the disk refused"}},
	},
	{
		.stage = "uploader stores files",
		.service = "uploader",
		.unit = "packets",
		.whole = true,
		.in = {{BALANCE_DISK, "for_uploader", "put into its queue, by flowagg's count"}},
		.out = {{BALANCE_DISK, "objects", "in the archive"},
			{BALANCE_DISK, "uploader_stored",
			 "in the S3 store, by the uploader's count"},
			{BALANCE_DISK, "uploader_queue", "in its queue"},
			{BALANCE_DISK, "uploader_evicted",
			 "the oldest bundles, taken out of a full queue"},
			{BALANCE_DISK, "uploader_bad", "set aside in spool/bad"}},
	},
	{
		.stage = "analyzer makes records",
		.service = "analyzer",
		.unit = "packets",
		.whole = true,
		.in = {{BALANCE_DISK, "for_analyzer", "put into its queue, by flowagg's count"}},
		.out = {{BALANCE_DISK, "records", "in records"},
			{BALANCE_DISK, "analyzer_outside", "in no record, by the analyzer's count"},
			{BALANCE_DISK, "analyzer_queue", "in its queue"},
			{BALANCE_DISK, "analyzer_evicted",
			 "the oldest bundles, taken out of a full queue"},
			{BALANCE_DISK, "analyzer_bad", "set aside in spool/bad"}},
	},
};
const size_t balance_nrules = sizeof balance_rules / sizeof *balance_rules;

static uint64_t balance_value(const struct balance_term *k, const struct balance_rule *r,
			      const struct stat_history *t, const struct inventory *s)
{
	const char *service = r->service;

	switch (k->kind) {
	case BALANCE_SUM:
		return stat_history_sum(t, service, k->name);
	case BALANCE_GREW:
		return stat_history_end(t, service, k->name) -
		       stat_history_begin(t, service, k->name, r->start);
	case BALANCE_BEGIN:
		return stat_history_begin(t, service, k->name, r->start);
	case BALANCE_END:
		return stat_history_end(t, service, k->name);
	case BALANCE_LATE:
		return stat_history_late(t, service, k->name, r->start);
	case BALANCE_DISK:
		return inventory_value(s, k->name);
	}
	return 0;
}

/* How many missing numbers capture itself may have removed from the journal. Without flowagg's
 * mark, capture cannot tell which of the removed ones were unread. */
static uint64_t balance_excused(const struct stat_history *t, uint64_t before)
{
	return stat_history_sum(t, "capture", "journal_removed_unread") +
	       (stat_history_sum(t, "capture", "journal_removed") ? before : 0);
}

static uint64_t balance_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void balance_hand(struct inventory *s, const struct stat_history *gave,
		  const struct stat_history *took)
{
	uint64_t next = balance_max(stat_history_end(took, "flowagg", "next_number"), 1);
	/* Negative after the journal began anew. */
	int64_t before = (int64_t)stat_history_end(took, "flowagg", "total_before");
	int64_t lost = before + (int64_t)stat_history_end(took, "flowagg", "total_gap");
	uint64_t end = balance_max(journal_ranges_end(&s->journal),
				   stat_history_end(gave, "capture", "next_number"));

	s->given = balance_max(end, next) - 1;
	s->taken = next - 1 - (lost > 0 ? (uint64_t)lost : 0);
	s->waiting = journal_ranges_count(&s->journal, next);
	uint64_t most = balance_excused(gave, before > 0 ? (uint64_t)before : 0);
	int64_t rest = (int64_t)(s->given - s->taken - s->waiting);
	s->removed = rest <= 0 ? 0 : (uint64_t)rest < most ? (uint64_t)rest : most;
	s->uploads |= stat_history_ever(gave, "flowagg", "for_uploader");
	s->analyses |= stat_history_ever(gave, "flowagg", "for_analyzer");
	s->for_uploader = stat_history_while(gave, "flowagg", "total_delivered", "for_uploader");
	s->for_analyzer = stat_history_while(gave, "flowagg", "total_delivered", "for_analyzer");
}

void balance_draw(const struct balance_rule *r, const struct stat_history *t,
		  const struct inventory *s, struct balance *b)
{
	*b = (struct balance){0};
	for (size_t i = 0; i < BALANCE_TERMS && r->in[i].name; i++)
		b->in_sum += b->in[i] = balance_value(&r->in[i], r, t, s);
	for (size_t i = 0; i < BALANCE_TERMS && r->out[i].name; i++)
		b->out_sum += b->out[i] = balance_value(&r->out[i], r, t, s);
}

static void balance_print_side(const struct balance_term *terms, const uint64_t *v,
			       const char *sign, FILE *out)
{
	bool first = true;
	for (size_t i = 0; i < BALANCE_TERMS && terms[i].name; i++) {
		if (!v[i] && i)
			continue;
		fprintf(out, "  %s %20llu  %s\n", first ? sign : "+", (unsigned long long)v[i],
			terms[i].words);
		first = false;
	}
}

void balance_print(const struct balance_rule *r, const struct balance *b, const char *note,
		   int64_t unaccounted, FILE *out)
{
	fprintf(out, "%s (%s%s)\n", r->stage, r->unit, note);
	balance_print_side(r->in, b->in, " ", out);
	balance_print_side(r->out, b->out, "=", out);
	if (unaccounted)
		fprintf(out, "  ! %20lld  UNACCOUNTED FOR\n", (long long)unaccounted);
}

static bool balance_rule_is_of(const struct balance_rule *r, const char *service)
{
	return strcmp(r->service, service) == 0;
}

static enum balance_readiness balance_files_ready(const struct balance_rule *r,
						  const struct stat_history *life,
						  const struct inventory *s, const char **why)
{
	if (balance_rule_is_of(r, "journal")) {
		*why = "no packet was journalled";
		return s->given ? BALANCE_READY : BALANCE_NOTHING;
	}
	bool is_uploader = balance_rule_is_of(r, "uploader");
	const struct stat_history_service *counters = stat_history_service(life, r->service);
	*why = "flowagg fills no queue for this service";
	if (!(is_uploader ? s->uploads : s->analyses))
		return BALANCE_NOTHING;
	*why = "the service left no counters, although there are files that it made";
	if (!counters && (is_uploader ? s->objects : s->records))
		return BALANCE_MISSING;
	*why = "the uploader removed old objects to stay below max_bytes";
	return is_uploader && stat_history_sum(life, "uploader", "archive_removed")
		       ? BALANCE_NOTHING
		       : BALANCE_READY;
}

enum balance_readiness balance_ready(const struct balance_rule *r, const struct stat_history *t,
				     const struct stat_history *life, const struct inventory *s,
				     const char **why)
{
	const struct stat_history_service *counters = stat_history_service(t, r->service);

	if (r->whole)
		return balance_files_ready(r, life, s, why);
	*why = "no counters from that time";
	if (stat_history_service(life, r->service))
		return counters && (counters->nruns || counters->before) ? BALANCE_READY
									 : BALANCE_NOTHING;
	*why = "the service left no counters, although there are packets that it handled";
	if (balance_rule_is_of(r, "capture") ? s->given > 0 : s->by_flowagg)
		return BALANCE_MISSING;
	*why = "the service never ran here";
	return BALANCE_NOTHING;
}
