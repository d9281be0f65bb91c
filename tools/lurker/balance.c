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
			 "written when no counter could be left: just before a kill, on a full "
			 "disk"}},
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
		.in = {{TERM_DISK, "delivered", "in its queue, by flowagg's count"}},
		.out = {{TERM_DISK, "objects", "in the archive"},
			{TERM_DISK, "uploader_queue", "in its queue"},
			{TERM_DISK, "uploader_evicted", "the oldest bundles, out of a full queue"},
			{TERM_DISK, "uploader_bad", "set aside"}},
	},
	{
		.stage = "analyzer makes records",
		.service = "analyzer",
		.unit = "packets",
		.whole = true,
		.in = {{TERM_DISK, "delivered", "in its queue, by flowagg's count"}},
		.out = {{TERM_DISK, "records", "in records"},
			{TERM_SUM, "outside", "in no record, by its count"},
			{TERM_DISK, "analyzer_queue", "in its queue"},
			{TERM_DISK, "analyzer_evicted", "the oldest bundles, out of a full queue"},
			{TERM_DISK, "analyzer_bad", "set aside"}},
	},
};
const size_t balance_nrules = sizeof(balance_rules) / sizeof(*balance_rules);

static uint64_t value(const struct term *k, const struct rule *r, const struct tally *t,
		      const struct stored *s)
{
	const char *service = r->service;

	switch (k->kind) {
	case TERM_SUM:
		return tally_sum(t, service, k->name);
	case TERM_GREW:
		return tally_end(t, service, k->name) - tally_begin(t, service, k->name, r->start);
	case TERM_BEGIN:
		return tally_begin(t, service, k->name, r->start);
	case TERM_END:
		return tally_end(t, service, k->name);
	case TERM_LATE:
		return tally_late(t, service, k->name, r->start);
	case TERM_DISK:
		return stored_value(s, k->name);
	}
	return 0;
}

void balance_draw(const struct rule *r, const struct tally *t, const struct stored *s,
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

void balance_print(const struct rule *r, const struct balance *b, int64_t unaccounted, FILE *out)
{
	fprintf(out, "%s (%s)\n", r->stage, r->unit);
	print_side(r->in, b->in, " ", out);
	print_side(r->out, b->out, "=", out);
	if (unaccounted)
		fprintf(out, "  ! %20lld  UNACCOUNTED FOR\n", (long long)unaccounted);
}
