#include "flowagg/source.h"

#include <errno.h>

#include "pkt/capfile.h"

int source_init(struct source *s, const char *journal_dir, uint64_t next,
		const struct source_sink *sink)
{
	*s = (struct source){.sink = *sink,
			     .dir = journal_dir,
			     .next = next,
			     .asked = UINT64_MAX,
			     .stuck = UINT64_MAX};
	return journal_reader_new(journal_dir, &s->reader);
}

void source_fini(struct source *s)
{
	journal_reader_free(&s->reader);
}

static bool source_hand_over(struct source *s, const struct journal_packet *p)
{
	if (s->next && p->number > s->next)
		s->sink.gap(s->sink.arg, s->next, p->number);
	s->next = p->number;
	s->held = s->sink.packet(s->sink.arg, p) != 0;
	if (!s->held)
		s->next++;
	return !s->held;
}

void source_catch_up(struct source *s)
{
	if (s->catching_up)
		return;
	journal_reader_seek(s->reader, s->next);
	s->catching_up = true;
	s->asked = s->stuck = UINT64_MAX;
	s->catch_ups++;
}

bool source_step(struct source *s, unsigned max)
{
	struct journal_packet p;

	for (unsigned i = 0; i < max; i++) {
		/* A read error counts as the end: the next message shows whether anything is
		 * missing. */
		if (journal_reader_next(s->reader, &p) <= 0) {
			s->catching_up = s->held = false;
			if (s->next == s->asked)
				s->stuck = s->next;
			return false;
		}
		if (!source_hand_over(s, &p)) {
			journal_reader_seek(s->reader, s->next);
			return false;
		}
		s->from_journal++;
	}
	return true;
}

/* A journal that ends below the number wanted is a new one. */
static void source_look_for_new_journal(struct source *s)
{
	uint64_t oldest, next;

	if (!s->next || journal_bounds(s->dir, &oldest, &next) || !next || next >= s->next)
		return;
	s->sink.anew(s->sink.arg, oldest);
	s->next = oldest;
	source_catch_up(s);
}

static void source_fold(struct source *s, const struct msg_packet *m)
{
	uint64_t next = s->next;

	for (size_t i = 0; i < m->packets.n; i++) {
		const struct msg_packet_row *r = &m->packets.v[i];
		struct journal_packet p = {
			.number = m->first + i,
			.ts_ns = r->ts_ns,
			.caplen = (uint32_t)r->data.n,
			.len = r->len > UINT32_MAX ? UINT32_MAX : (uint32_t)r->len,
			.linktype = (int)m->link,
			.data = r->data.p,
		};
		if (p.number < s->next) {
			s->known++;
			continue;
		}
		if (!source_hand_over(s, &p)) {
			source_catch_up(s);
			return;
		}
		s->from_bus++;
	}
	/* After a catch-up, some messages hold only known packets. When that does not end, numbers
	 * have restarted. The check costs time, so it is made ever less often. */
	s->known_run = s->next == next ? s->known_run + 1 : 0;
	if (s->known_run >= 4 && (s->known_run & (s->known_run - 1)) == 0)
		source_look_for_new_journal(s);
}

/* What comes from the bus obeys the limits of a journal. */
static bool source_is_valid(const struct msg_packet *m)
{
	if (!m->first || m->first > UINT64_MAX / 2 || m->link > UINT16_MAX)
		return false;
	for (size_t i = 0; i < m->packets.n; i++)
		if (m->packets.v[i].data.n > CAPFILE_MAX_PACKET ||
		    m->packets.v[i].len < m->packets.v[i].data.n)
			return false;
	return true;
}

int source_message(struct source *s, const struct msg_packet *m)
{
	s->heard = true;
	if (s->catching_up)
		return 0;
	if (!source_is_valid(m))
		return -EBADMSG;
	if (m->first > s->next && s->stuck != s->next) {
		source_catch_up(s);
		s->asked = s->next;
	} else {
		source_fold(s, m);
	}
	return 0;
}

void source_idle(struct source *s)
{
	if (s->heard || s->catching_up) {
		s->heard = false;
		return;
	}
	source_look_for_new_journal(s);
	source_catch_up(s);
}
