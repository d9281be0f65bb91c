/*
 * The flows of a file in order, once all packets have come.
 */
#include <errno.h>
#include <stdlib.h>

#include "flow_table_own.h"

/* A flow's place in the order. Slots are in order of their first packet's number. */
struct place {
	uint64_t first_ns;
	uint32_t index;
};

static int by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* in_order: the slots by time; *order NULL: as they are. */
static int in_order(const struct flow_table *t, struct place **order)
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
	struct place *v = *order = malloc(t->nslots * sizeof *v);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nslots; i++)
		v[i] = (struct place){.first_ns = slot_at(t, i)->first_ns, .index = i};
	qsort(v, t->nslots, sizeof *v, by_time);
	return 0;
}

/* How many flows before a flow is handed out memory is asked for its body or trail, and for the
 * packets on it; it is woken; its taker is told again. */
enum { FETCH = 16, PACKETS = 11, WAKE = 6, NEAR = 3 };

/* Longer trails are read from the beginning to the end, which the processor notices. */
#define AHEAD_PACKETS 12

static void fetch(const struct flow_table *t, const struct slot *s)
{
	if (s->state == SLOT_PACKED)
		pager_prefetch(t->pager, s->place);
	else if (s->state == SLOT_INDEXED)
		packet_index_prefetch(t->trail, s->trail.first);
}

static void fetch_packets(const struct flow_table *t, const struct slot *s)
{
	uint32_t at;

	if (s->state != SLOT_INDEXED)
		return;
	packet_index_at(t->trail, s->trail.first, &at);
	for (int i = 0; at && i < AHEAD_PACKETS; i++)
		t->o.again.ahead(t->o.again.arg, packet_index_at(t->trail, at, &at));
}

/* hand_out: the flow goes to its taker, and its body is gone. */
static int hand_out(struct flow_table *t, const struct flow_table_taker *to, struct slot *s)
{
	struct flow *f = s->live;

	t->memory[flow_is_large(f)] -= f->memory;
	int rc = to->take(to->arg, f);
	if (!rc) {
		flow_table_unlist(t, f->live);
		flow_free(&s->live);
	}
	return rc;
}

/* drop_chunk: its flows are handed out, in order. What lies before the next one's trail, and before
 * its packets, is of no other. */
static void drop_chunk(struct flow_table *t, uint32_t i)
{
	free(t->chunk[i]);
	t->chunk[i] = NULL;
	for (uint32_t k = (i + 1) * CHUNK; k < t->nslots; k++) {
		const struct slot *s = slot_at(t, k);
		uint32_t at;
		if (s->state != SLOT_INDEXED)
			continue;
		packet_index_drop(t->trail, s->trail.first);
		packet_index_at(t->trail, s->trail.first, &at);
		t->o.again.done(t->o.again.arg, packet_index_at(t->trail, at, &at));
		return;
	}
}

int flow_table_finish(struct flow_table *t, const struct flow_table_taker *to)
{
	struct place *order = NULL;
	int rc = flow_table_forget(t);

	if (!rc)
		rc = in_order(t, &order);
	/* Each step of the loop does something for five flows. */
	for (uint32_t step = 0; !rc && step < t->nslots + FETCH; step++) {
		struct flow *f;
#define AGO(before)   (step + (before)-FETCH)
#define INDEX(before) (order ? order[AGO(before)].index : AGO(before))
#define IS_AT(before) (step + (before) >= FETCH && AGO(before) < t->nslots)
		if (IS_AT(FETCH))
			fetch(t, slot_at(t, INDEX(FETCH)));
		if (IS_AT(PACKETS))
			fetch_packets(t, slot_at(t, INDEX(PACKETS)));
		if (IS_AT(WAKE)) {
			rc = flow_table_restore(t, INDEX(WAKE), &f);
			if (!rc && to->ahead)
				to->ahead(to->arg, f, false);
		}
		if (!rc && to->ahead && IS_AT(NEAR))
			to->ahead(to->arg, slot_at(t, INDEX(NEAR))->live, true);
		if (!rc && IS_AT(0))
			rc = hand_out(t, to, slot_at(t, INDEX(0)));
		if (!order && IS_AT(0) && AGO(0) % CHUNK == CHUNK - 1)
			drop_chunk(t, AGO(0) / CHUNK);
#undef AGO
#undef INDEX
#undef IS_AT
	}
	free(order);
	flow_table_clear(t);
	return rc;
}
