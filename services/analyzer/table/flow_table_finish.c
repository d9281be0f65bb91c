/*
 * The flows of a file in order, once all packets have come.
 */
#include <errno.h>
#include <stdlib.h>

#include "flow_table_own.h"

static int by_time(const void *a, const void *b)
{
	const struct flow_order *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* in_order: the slots by time; *order NULL: as they are. */
static int in_order(const struct flow_table *t, struct flow_order **order)
{
	bool sorted = true;
	uint64_t last = 0;

	*order = NULL;
	for (uint32_t i = 0; i < t->nslots && sorted; i++) {
		sorted = slot_at(t, i)->first_ns >= last;
		last = slot_at(t, i)->first_ns;
	}
	if (sorted)
		return 0;
	struct flow_order *v = *order = malloc(t->nslots * sizeof *v);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nslots; i++)
		v[i] = (struct flow_order){.first_ns = slot_at(t, i)->first_ns, .index = i};
	qsort(v, t->nslots, sizeof *v, by_time);
	return 0;
}

/* A flow is prepared in steps, which are counted back from the one that gives it: its body or index
 * is prefetched; the packets in the index are; it is restored, and the caller told (soon); the
 * caller is told again (near). */
enum { FETCH = 16, PACKETS = 11, RESTORE = 6, NEAR = 3 };

/* The processor notices by itself that a longer index is read from its beginning to its end. */
#define AHEAD_PACKETS 12

static void fetch(const struct flow_table *t, const struct slot *s)
{
	if (s->state == SLOT_PACKED)
		pager_prefetch(t->pager, s->place);
	else if (s->state == SLOT_INDEXED)
		packet_index_prefetch(t->index, s->entries.first);
}

static void fetch_packets(const struct flow_table *t, const struct slot *s)
{
	uint32_t at;

	if (s->state != SLOT_INDEXED)
		return;
	packet_index_at(t->index, s->entries.first, &at);
	for (int i = 0; at && i < AHEAD_PACKETS; i++)
		t->o.again.ahead(t->o.again.arg, packet_index_at(t->index, at, &at));
}

/* drop_chunk: its flows have been given, in order. What lies before the next one's entries, and
 * before its packets, is of no other. */
static void drop_chunk(struct flow_table *t, uint32_t i)
{
	free(t->chunk[i]);
	t->chunk[i] = NULL;
	for (uint32_t k = (i + 1) * CHUNK; k < t->nslots; k++) {
		const struct slot *s = slot_at(t, k);
		uint32_t at;
		if (s->state != SLOT_INDEXED)
			continue;
		packet_index_drop(t->index, s->entries.first);
		packet_index_at(t->index, s->entries.first, &at);
		t->o.again.done(t->o.again.arg, packet_index_at(t->index, at, &at));
		return;
	}
}

/* give: the flow of slot i, which the caller has until take_back. */
static struct flow *give(struct flow_table *t, uint32_t i)
{
	struct flow *f = slot_at(t, i)->live;

	t->memory[flow_is_large(f)] -= f->memory;
	t->given = i + 1;
	return f;
}

static void take_back(struct flow_table *t)
{
	if (!t->given)
		return;
	uint32_t i = t->given - 1;
	t->given = 0;
	flow_table_unlist(t, slot_at(t, i)->live->live);
	flow_free(&slot_at(t, i)->live);
	if (!t->order && i % CHUNK == CHUNK - 1)
		drop_chunk(t, i / CHUNK);
}

int flow_table_finish(struct flow_table *t)
{
	int rc = flow_table_forget(t);

	return rc ? rc : in_order(t, &t->order);
}

/* is_due, due: whether there is a flow that is given `before` steps from now, and its slot. */
static bool is_due(const struct flow_table *t, uint32_t before)
{
	return t->step + before >= FETCH && t->step + before - FETCH < t->nslots;
}

static uint32_t due(const struct flow_table *t, uint32_t before)
{
	uint32_t i = t->step + before - FETCH;

	return t->order ? t->order[i].index : i;
}

int flow_table_next(struct flow_table *t, struct flow **f, struct flow_table_ahead *ahead)
{
	take_back(t);
	/* Each step does something for five flows; the first ones give none yet. */
	while (t->step < t->nslots + FETCH) {
		*ahead = (struct flow_table_ahead){0};
		if (is_due(t, FETCH))
			fetch(t, slot_at(t, due(t, FETCH)));
		if (is_due(t, PACKETS))
			fetch_packets(t, slot_at(t, due(t, PACKETS)));
		if (is_due(t, RESTORE)) {
			int rc = flow_table_restore(t, due(t, RESTORE), f);
			if (rc) {
				flow_table_clear(t);
				return rc;
			}
			ahead->soon = *f;
		}
		if (is_due(t, NEAR))
			ahead->near = slot_at(t, due(t, NEAR))->live;
		bool out = is_due(t, 0);
		if (out)
			*f = give(t, due(t, 0));
		t->step++;
		if (out)
			return 1;
	}
	flow_table_clear(t);
	return 0;
}
