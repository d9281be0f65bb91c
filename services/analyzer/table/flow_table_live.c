/*
 * Only the flows used lately are live, so that they stay in the processor's caches; packets of
 * others are rare.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_table_own.h"
#include "table/snapshot.h"

int flow_table_enlist(struct flow_table *t, struct flow *f)
{
	if (t->nlive == t->live_cap) {
		uint32_t cap = t->live_cap ? t->live_cap * 2 : 64;
		struct flow **live = realloc(t->live, cap * sizeof(struct flow *));
		if (live)
			t->live = live;
		uint32_t *round = live ? realloc(t->round, cap * sizeof *round) : NULL;
		if (!round)
			return -ENOMEM;
		t->round = round;
		t->live_cap = cap;
	}
	f->live = t->nlive++;
	t->live[f->live] = f;
	t->round[f->live] = t->now;
	return 0;
}

void flow_table_unlist(struct flow_table *t, uint32_t i)
{
	uint32_t last = --t->nlive;

	t->live[i] = t->live[last];
	t->live[i]->live = i;
	t->round[i] = t->round[last];
}

/* pack_one: packs a live flow, if it can be packed. */
static int pack_one(struct flow_table *t, struct flow *f)
{
	struct slot *s = slot_at(t, f->slot);
	uint32_t live = f->live;
	size_t memory = f->memory;
	bool large = flow_is_large(f);
	uint64_t place;

	if (!flow_can_snapshot(f))
		return 0;
	int rc = flow_snapshot(&f, t->pager, t->store, &place);
	if (rc)
		return rc;
	t->memory[large] -= memory;
	s->state = SLOT_PACKED;
	s->place = place;
	t->counts.paged_out += pager_on_disk(t->pager, place);
	/* Last of all: the last flow of the list may be this one, which is gone. */
	if (live == t->nlive - 1)
		t->nlive--;
	else
		flow_table_unlist(t, live);
	return 0;
}

/* First those go that were not used since it was called last, then, if need be, others. */
int flow_table_pack(struct flow_table *t, bool large, const struct flow *current)
{
	size_t enough = t->live_limit[large] - t->live_limit[large] / 4;
	int rc = 0;

	/* Without it, the pager gets all. */
	if (!t->store)
		(void)payload_store_new(t->store_limit, &t->store);
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = t->nlive; !rc && i-- > 0;) {
			if (t->memory[large] <= enough)
				goto out;
			if (i >= 8)
				__builtin_prefetch(t->live[i - 8]);
			if ((pass ? t->live[i] != current : t->round[i] != t->now) &&
			    flow_is_large(t->live[i]) == large)
				rc = pack_one(t, t->live[i]);
		}
out:
	t->now++;
	return rc;
}

/* walk: makes an indexed flow from its packets, exactly as if it had been live all the
 * time. */
static int walk(struct flow_table *t, uint32_t index, struct flow **out)
{
	const struct slot *s = slot_at(t, index);
	struct flow *f = NULL;
	uint32_t at;
	uint64_t no = packet_index_at(t->index, s->entries.first, &at);

	while (at) {
		struct flowkey key;
		struct pkt p;
		bool forward;
		/* Another key: somebody writes to the file. */
		bool ok = t->o.again.read(t->o.again.arg, packet_index_at(t->index, at, &at), &p) &&
			  (p.stop == PKT_L4 || p.stop == PKT_IP);
		if (ok) {
			flowkey_of(&p, &key, &forward);
			ok = memcmp(&key, &s->key, sizeof key) == 0;
		}
		if (!ok) {
			flow_free(&f);
			return -EIO;
		}
		if (!f)
			f = flow_new(&key, no, &p, !forward);
		if (!f)
			return -ENOMEM;
		flow_add(f, &t->o.stream, &p, !forward,
			 p.stop == PKT_L4 ? pkt_cksum(&p) : CKSUM_UNKNOWN);
	}
	f->slot = index;
	*out = f;
	return 0;
}

int flow_table_restore(struct flow_table *t, uint32_t index, struct flow **out)
{
	struct slot *s = slot_at(t, index);

	if (s->state != SLOT_LIVE) {
		int rc = s->state == SLOT_INDEXED ? walk(t, index, out)
						  : flow_restore(t->pager, s->place, out);
		if (rc)
			return rc;
		rc = flow_table_enlist(t, *out);
		if (rc) {
			flow_free(out);
			return rc;
		}
		s->live = *out;
		s->state = SLOT_LIVE;
		s->live->memory = 0;
		flow_table_weigh(t, s->live, flow_memory(s->live));
	}
	*out = s->live;
	t->round[(*out)->live] = t->now;
	return 0;
}
