#include "flowagg/journal_follow.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "flowagg/flowagg_count.h"

/* Packets read from the journal in one turn of the loop. */
#define TURN_PACKETS 8192

static int journal_follow_packet(void *arg, const struct journal_packet *p)
{
	struct journal_follow *f = arg;
	struct agg_packet in = {p->number, p->ts_ns, p->caplen, p->len, p->linktype, p->data};

	if (!f->agg->next)
		totals_number_from(f->totals, f->agg, f->count, p->number);
	int rc = agg_packet(f->agg, &in);
	if (rc)
		return rc;
	save_took(f->saver, p->caplen, p->len);
	/* A tick ends flows; between ticks a batch may fill. */
	if (!p->len)
		deliver_commit(f->deliver);
	return 0;
}

static void journal_follow_alert(struct journal_follow *f, uint64_t from, uint64_t to,
				 const char *message)
{
	struct msg_alert a = {
		.kind = bytes_str("gap"),
		.severity = bytes_str("warning"),
		.message = bytes_str(message),
		.ts_ns = clock_real_ns(),
		.count = to - from,
	};

	f->alert(f->arg, &a);
}

static void journal_follow_gap(void *arg, uint64_t from, uint64_t to)
{
	struct journal_follow *f = arg;

	f->count[FLOWAGG_DROPPED_GAP] += to - from;
	f->agg->next = to; /* should the packet after it be held, the gap is not counted again */
	journal_follow_alert(f, from, to, "Packets had left the journal before flowagg read them.");
}

static void journal_follow_anew(void *arg, uint64_t next)
{
	struct journal_follow *f = arg;

	journal_follow_alert(f, next, next, "The journal was replaced: packet numbers begin anew.");
	/* Numbers below the one wanted would be taken for known ones. */
	f->agg->next = next;
	totals_number_from(f->totals, f->agg, f->count, next);
}

int journal_follow_init(struct journal_follow *f, const char *journal_dir)
{
	struct source_sink sink = {journal_follow_packet, journal_follow_gap, journal_follow_anew,
				   f};

	f->arena = (struct msg_arena){f->arena_bytes, sizeof f->arena_bytes, 0};
	int rc = source_init(&f->source, journal_dir, f->agg->next, &sink);
	if (!rc)
		source_catch_up(&f->source);
	return rc;
}

void journal_follow_fini(struct journal_follow *f)
{
	source_fini(&f->source);
}

int journal_follow_message(struct journal_follow *f, struct bytes body)
{
	struct msg_packet m;

	f->arena.used = 0;
	if (msg_decode(&msg_packet_schema, body, &m, &f->arena) || source_message(&f->source, &m)) {
		f->count[FLOWAGG_MALFORMED]++;
		return -EBADMSG;
	}
	return 0;
}

bool journal_follow_step(struct journal_follow *f)
{
	bool more = source_step(&f->source, TURN_PACKETS);

	if (!more) {
		deliver_commit(f->deliver);
		log_debug(f->source.held ? "held" : "caught up", "next=%" PRIu64, f->source.next);
	}
	save_if_due(f->saver);
	return more;
}
