#include "balance.h"

#include <string.h>

const struct rule balance_rules[] = {
	{
		.stage = "capture takes from the interface",
		.service = "capture",
		.unit = "packets",
		.in = {{TERM_SUM, "received", "taken"}},
		.out = {{TERM_SUM, "packets", "in the journal"},
			{TERM_SUM, "dropped_journal", "the disk refused"},
			{TERM_SUM, "dropped_size", "too large"},
			{TERM_SUM, "dropped_empty", "empty"}},
	},
	{
		.stage = "the journal gives numbers",
		.service = "capture",
		.unit = "numbers",
		.start = "first_number",
		.in = {{TERM_GREW, "next_number", "given"}},
		.out = {{TERM_SUM, "packets", "packets"},
			{TERM_SUM, "ticks", "ticks"},
			{TERM_LATE, "next_number",
			 "written when no counter could be left: just before a kill, on a full disk"}},
	},
	{
		.stage = "capture hands numbers to flowagg",
		.service = "journal",
		.unit = "numbers",
		.whole = true,
		.in = {{TERM_DISK, "given", "given"}},
		.out = {{TERM_DISK, "taken", "taken in by flowagg"},
			{TERM_DISK, "waiting", "wait in the journal"},
			{TERM_DISK, "removed",
			 "removed from the journal unread, to keep it bounded"}},
	},
	{
		.stage = "flowagg takes numbers in",
		.service = "flowagg",
		.unit = "numbers",
		.in = {{TERM_GREW, "next_number", "passed"}},
		.out = {{TERM_GREW, "total_packets", "packets"},
			{TERM_GREW, "total_ticks", "ticks"},
			{TERM_GREW, "total_gap", "nobody had them"},
			{TERM_GREW, "total_before", "before its first start"}},
	},
	{
		.stage = "flowagg makes flows",
		.service = "flowagg",
		.unit = "packets",
		.in = {{TERM_GREW, "total_packets", "taken in"},
		       {TERM_BEGIN, "packets_open", "were in open flows"},
		       {TERM_BEGIN, "packets_bundled", "were in the bundle"}},
		.out = {{TERM_GREW, "total_sealed", "in files"},
			{TERM_END, "packets_open", "in open flows"},
			{TERM_END, "packets_bundled", "in the bundle"},
			{TERM_GREW, "total_own", "the host's own"},
			{TERM_GREW, "total_other_side", "the other side's"},
			{TERM_GREW, "total_arp", "ARP"},
			{TERM_GREW, "total_other_l3", "not IP"},
			{TERM_GREW, "total_broken", "broken headers"},
			{TERM_GREW, "total_unknown_link", "unknown link"}},
	},
	{
		.stage = "flowagg delivers files",
		.service = "flowagg",
		.unit = "packets",
		.in = {{TERM_GREW, "total_sealed", "in files"},
		       {TERM_BEGIN, "packets_pending", "were on the way"}},
		.out = {{TERM_GREW, "total_delivered", "in the queues"},
			{TERM_END, "packets_pending", "on the way"},
			{TERM_GREW, "total_spool", "the spool was full"},
			{TERM_GREW, "total_disk", "the disk refused"}},
	},
	{
		.stage = "uploader stores files",
		.service = "uploader",
		.unit = "packets",
		.whole = true,
		.in = {{TERM_DISK, "for_uploader", "in its queue, by flowagg's count"}},
		.out = {{TERM_DISK, "objects", "in the archive"},
			{TERM_DISK, "uploader_stored", "in the S3 store, by its count"},
			{TERM_DISK, "uploader_queue", "in its queue"},
			{TERM_DISK, "uploader_evicted", "the oldest bundles, out of a full queue"},
			{TERM_DISK, "uploader_bad", "set aside"}},
	},
	{
		.stage = "analyzer makes records",
		.service = "analyzer",
		.unit = "packets",
		.whole = true,
		.in = {{TERM_DISK, "for_analyzer", "in its queue, by flowagg's count"}},
		.out = {{TERM_DISK, "records", "in records"},
			{TERM_DISK, "analyzer_outside", "in no record, by its count"},
			{TERM_DISK, "analyzer_queue", "in its queue"},
			{TERM_DISK, "analyzer_evicted", "the oldest bundles, out of a full queue"},
			{TERM_DISK, "analyzer_bad", "set aside"}},
	},
};
const size_t balance_nrules = sizeof(balance_rules) / sizeof(*balance_rules);

static uint64_t value(const struct term *k, const struct rule *r, const struct stat_history *t,
		      const struct inventory *s)
{
	const char *service = r->service;

	switch (k->kind) {
	case TERM_SUM:
		return stat_history_sum(t, service, k->name);
	case TERM_GREW:
		return stat_history_end(t, service, k->name) -
		       stat_history_begin(t, service, k->name, r->start);
	case TERM_BEGIN:
		return stat_history_begin(t, service, k->name, r->start);
	case TERM_END:
		return stat_history_end(t, service, k->name);
	case TERM_LATE:
		return stat_history_late(t, service, k->name, r->start);
	case TERM_DISK:
		return inventory_value(s, k->name);
	}
	return 0;
}

/* Where the journal is kept without a mark, its removals cannot tell what was unread. */
static uint64_t excused(const struct stat_history *t, uint64_t before)
{
	return stat_history_sum(t, "capture", "journal_removed_unread") +
	       (stat_history_sum(t, "capture", "journal_removed") ? before : 0);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void balance_hand(struct inventory *s, const struct stat_history *gave,
		  const struct stat_history *took)
{
	uint64_t next = larger(stat_history_end(took, "flowagg", "next_number"), 1);
	/* Below 0 where the journal began anew. */
	int64_t before = (int64_t)stat_history_end(took, "flowagg", "total_before");
	int64_t lost = before + (int64_t)stat_history_end(took, "flowagg", "total_gap");
	uint64_t end = larger(journal_ranges_end(&s->waits),
			      stat_history_end(gave, "capture", "next_number"));

	s->given = larger(end, next) - 1;
	s->taken = next - 1 - (lost > 0 ? (uint64_t)lost : 0);
	s->waiting = journal_ranges_count(&s->waits, next);
	uint64_t most = excused(gave, before > 0 ? (uint64_t)before : 0);
	int64_t rest = (int64_t)(s->given - s->taken - s->waiting);
	s->removed = rest <= 0 ? 0 : (uint64_t)rest < most ? (uint64_t)rest : most;
	s->uploads |= stat_history_ever(gave, "flowagg", "for_uploader");
	s->analyses |= stat_history_ever(gave, "flowagg", "for_analyzer");
	s->for_uploader = stat_history_while(gave, "flowagg", "total_delivered", "for_uploader");
	s->for_analyzer = stat_history_while(gave, "flowagg", "total_delivered", "for_analyzer");
}

void balance_draw(const struct rule *r, const struct stat_history *t, const struct inventory *s,
		  struct balance *b)
{
	*b = (struct balance){0};
	for (size_t i = 0; i < RULE_TERMS && r->in[i].name; i++)
		b->in_sum += b->in[i] = value(&r->in[i], r, t, s);
	for (size_t i = 0; i < RULE_TERMS && r->out[i].name; i++)
		b->out_sum += b->out[i] = value(&r->out[i], r, t, s);
}

static void print_side(const struct term *terms, const uint64_t *v, const char *sign, FILE *out)
{
	bool first = true;
	for (size_t i = 0; i < RULE_TERMS && terms[i].name; i++) {
		if (!v[i] && i)
			continue;
		fprintf(out, "  %s %20llu  %s\n", first ? sign : "+", (unsigned long long)v[i],
			terms[i].words);
		first = false;
	}
}

void balance_print(const struct rule *r, const struct balance *b, const char *note,
		   int64_t unaccounted, FILE *out)
{
	fprintf(out, "%s (%s%s)\n", r->stage, r->unit, note);
	print_side(r->in, b->in, " ", out);
	print_side(r->out, b->out, "=", out);
	if (unaccounted)
		fprintf(out, "  ! %20lld  UNACCOUNTED FOR\n", (long long)unaccounted);
}

static bool is_of(const struct rule *r, const char *service)
{
	return strcmp(r->service, service) == 0;
}

static enum ready of_files(const struct rule *r, const struct stat_history *life,
			   const struct inventory *s, const char **why)
{
	if (is_of(r, "journal")) {
		*why = "no packet was journalled";
		return s->given ? READY : READY_NOTHING;
	}
	bool is_uploader = is_of(r, "uploader");
	const struct stat_history_service *counters = stat_history_service(life, r->service);
	*why = "flowagg has no queue for it";
	if (!(is_uploader ? s->uploads : s->analyses))
		return READY_NOTHING;
	*why = "the service left no counters, though there is work of it";
	if (!counters && (is_uploader ? s->objects : s->records))
		return READY_MISSING;
	*why = "old objects were removed to stay below max_bytes";
	return is_uploader && stat_history_sum(life, "uploader", "archive_removed") ? READY_NOTHING
										    : READY;
}

enum ready balance_ready(const struct rule *r, const struct stat_history *t,
			 const struct stat_history *life, const struct inventory *s,
			 const char **why)
{
	const struct stat_history_service *counters = stat_history_service(t, r->service);

	if (r->whole)
		return of_files(r, life, s, why);
	*why = "no counters of that time";
	if (stat_history_service(life, r->service))
		return counters && (counters->nruns || counters->before) ? READY : READY_NOTHING;
	*why = "the service left no counters, though others have packets of it";
	if (is_of(r, "capture") ? s->given > 0 : s->by_flowagg)
		return READY_MISSING;
	*why = "the service never ran here";
	return READY_NOTHING;
}
