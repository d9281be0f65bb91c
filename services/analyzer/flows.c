/*
 * Slots are the table proper: one a flow, small, for as long as the file lasts; a flow's body is either live, or at
 * rest at a place of the pager. Of several flows of one key the newest is found. Only the flows used lately are live, so
 * that they stay in the processor's caches; packets of others are rare.
 */
#include "flows.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "freeze.h"
#include "mix.h"
#include "pager.h"
#include "pkt/siphash.h"

/* A packet in a packet in a packet …: deeper ones are not looked into. */
#define MAX_TUNNEL_DEPTH 4

#define CHUNK_BITS 12
#define CHUNK      (1u << CHUNK_BITS)

/* Of the memory, live flows take a sixth, but no more than a large cache holds; the store a sixth; flows at rest
 * a third. The rest is for what each of them takes on top: allocator, pages half used. */
#define LIVE_MOST  ((size_t)16 << 20)
#define STORE_MOST ((size_t)1 << 30)
#define REST_MOST  ((size_t)1 << 36)

struct slot {
	struct flowkey key;
	uint32_t tunnel; /* 0: outermost; else names the tunnel */
	bool resting;
	uint64_t first_ns;
	union {
		struct flow *live;
		uint64_t place; /* resting */
	};
};

/* An entry of the table: its position follows from the hash. */
struct ref {
	uint32_t hash;
	uint32_t slot; /* index + 1; 0: free */
};

struct flows {
	struct flows_options o;
	struct flows_counts counts;
	uint8_t seed[16];
	struct slot **chunk;
	uint32_t nchunks, nslots;
	struct ref *ref;
	uint32_t nrefs, used; /* nrefs is a power of two, at most half used */
	size_t live_limit;
	size_t memory; /* of live flows */
	struct flow *oldest, *newest;
	struct defrag *defrag;
	struct pager *pager;
	struct store *store;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

int flows_new(const struct flows_options *o, struct flows **out)
{
	struct flows *t = calloc(1, sizeof *t);
	int rc = -ENOMEM;

	*out = NULL;
	if (!t)
		return rc;
	t->o = *o;
	if (getrandom(t->seed, sizeof t->seed, 0) != (ssize_t)sizeof t->seed) {
		rc = -EIO;
		goto fail;
	}
	t->live_limit = least(o->memory / 6, LIVE_MOST);
	t->nrefs = 256;
	t->ref = calloc(t->nrefs, sizeof *t->ref);
	if (!t->ref)
		goto fail;
	rc = defrag_new(o->defrag, t->seed, &t->defrag);
	if (!rc)
		rc = pager_new(o->page_dir, least(o->memory / 3, REST_MOST), &t->pager);
	if (rc)
		goto fail;
	*out = t;
	return 0;
fail:
	flows_free(&t);
	return rc;
}

static struct slot *slot_at(const struct flows *t, uint32_t i)
{
	return &t->chunk[i >> CHUNK_BITS][i & (CHUNK - 1)];
}

static void unlist(struct flows *t, struct flow *f)
{
	*(f->older ? &f->older->newer : &t->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &t->newest) = f->older;
	f->older = f->newer = NULL;
}

static void list_newest(struct flows *t, struct flow *f)
{
	f->older = t->newest;
	f->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = f;
	t->newest = f;
}

static void empty(struct flows *t)
{
	for (uint32_t i = 0; i < t->nslots; i++)
		if (!slot_at(t, i)->resting)
			flow_free(&slot_at(t, i)->live);
	for (uint32_t i = 0; i < t->nchunks; i++)
		free(t->chunk[i]);
	free(t->chunk);
	t->chunk = NULL;
	t->nslots = t->nchunks = 0;
	t->oldest = t->newest = NULL;
	t->memory = 0;
}

void flows_free(struct flows **tp)
{
	struct flows *t = *tp;

	if (!t)
		return;
	empty(t);
	free(t->ref);
	defrag_free(&t->defrag);
	pager_free(&t->pager);
	store_free(&t->store);
	free(t);
	*tp = NULL;
}

/* rest: puts the least recently used flows aside, until a quarter of the live ones' memory is free again. */
static int rest(struct flows *t)
{
	struct flow *f = t->oldest;

	/* Without it, the pager gets all. */
	if (!t->store)
		(void)store_new(least(t->o.memory / 6, STORE_MOST), &t->store);
	while (f && t->memory > t->live_limit - t->live_limit / 4) {
		struct flow *next = f->newer;
		if (flow_can_freeze(f)) {
			struct slot *s = slot_at(t, f->slot);
			size_t memory = f->memory;
			uint64_t place;
			unlist(t, f);
			int rc = flow_freeze(&s->live, t->pager, t->store, &place);
			if (rc) {
				list_newest(t, f);
				return rc;
			}
			t->memory -= memory;
			s->resting = true;
			s->place = place;
			t->counts.paged_out += pager_on_disk(t->pager, place);
		}
		f = next;
	}
	return 0;
}

static uint32_t hash(const struct flows *t, const struct flowkey *key, uint32_t tunnel)
{
	uint64_t h;

	if (key->lo.family == 4) { /* a key of IPv4 is mostly zeros */
		uint32_t w[4] = {0, 0, 0, tunnel};
		memcpy(&w[0], key->lo.b, sizeof w[0]);
		memcpy(&w[1], key->hi.b, sizeof w[1]);
		memcpy(&w[2], &key->lo_port, sizeof w[2]);
		w[3] ^= (uint32_t)key->proto << 24;
		h = mix_two(mix_word(w) ^ mix_word(t->seed),
			    mix_word(w + 2) ^ mix_word(t->seed + 8));
	} else {
		h = mix_bytes((const uint8_t *)key, sizeof *key, t->seed) + tunnel;
	}
	return (uint32_t)(h ^ h >> 32);
}

static bool is_of(const struct slot *s, const struct flowkey *key, uint32_t tunnel)
{
	return memcmp(&s->key, key, sizeof *key) == 0 && s->tunnel == tunnel;
}

/* find: the table's entry of a key, or the free one where it goes. */
static struct ref *find(const struct flows *t, const struct flowkey *key, uint32_t tunnel,
			uint32_t h)
{
	for (uint32_t i = h;; i++) {
		struct ref *r = &t->ref[i & (t->nrefs - 1)];
		if (!r->slot || (r->hash == h && is_of(slot_at(t, r->slot - 1), key, tunnel)))
			return r;
	}
}

/* grow: a table of twice the size. */
static int grow(struct flows *t)
{
	uint32_t n = t->nrefs * 2;
	struct ref *ref = calloc(n, sizeof *ref);

	if (!ref)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nrefs; i++) {
		uint32_t to = t->ref[i].hash;
		if (!t->ref[i].slot)
			continue;
		while (ref[to & (n - 1)].slot)
			to++;
		ref[to & (n - 1)] = t->ref[i];
	}
	free(t->ref);
	t->ref = ref;
	t->nrefs = n;
	return 0;
}

/* new_slot: takes the place of an older flow of the same key, if *r is one. */
static struct slot *new_slot(struct flows *t, const struct flowkey *key, uint32_t tunnel,
			     uint32_t h, struct ref *r, uint32_t *index)
{
	if (t->nslots == t->nchunks << CHUNK_BITS) {
		struct slot **grown = realloc(t->chunk, (t->nchunks + 1) * sizeof(struct slot *));
		if (!grown)
			return NULL;
		t->chunk = grown;
		t->chunk[t->nchunks] = malloc(CHUNK * sizeof(struct slot));
		if (!t->chunk[t->nchunks])
			return NULL;
		t->nchunks++;
	}
	if (!r->slot) {
		if (t->used >= t->nrefs / 2) {
			if (grow(t))
				return NULL;
			r = find(t, key, tunnel, h);
		}
		t->used++;
	}
	struct slot *s = slot_at(t, t->nslots);
	*s = (struct slot){.key = *key, .tunnel = tunnel};
	*index = t->nslots++;
	*r = (struct ref){.hash = h, .slot = t->nslots};
	return s;
}

/* awake: the flow of a slot, live again if it rested. */
static int awake(struct flows *t, struct slot *s, struct flow **out)
{
	if (s->resting) {
		int rc = flow_thaw(t->pager, s->place, out);
		if (rc)
			return rc;
		s->live = *out;
		s->resting = false;
		s->live->memory = flow_memory(s->live);
		t->memory += s->live->memory;
		list_newest(t, s->live);
	}
	*out = s->live;
	return 0;
}

/* What the outer packets of an inner one have been. */
struct outside {
	uint32_t id; /* 0: nothing */
	int depth;
	struct flow_tunnel tunnel;
};

static int add(struct flows *t, uint64_t no, const struct pkt *p, const struct outside *out)
{
	struct flowkey key;
	bool forward;
	struct flow *f = NULL;
	enum cksum_state cksum = p->stop == PKT_L4 ? pkt_cksum(p) : CKSUM_UNKNOWN;
	int rc;

	flowkey_of(p, &key, &forward);
	int dir = forward ? 0 : 1;
	uint32_t h = hash(t, &key, out->id);
	struct ref *r = find(t, &key, out->id, h);
	struct slot *s = r->slot ? slot_at(t, r->slot - 1) : NULL;
	if (s) {
		rc = awake(t, s, &f);
		if (rc)
			return rc;
		bool idle = t->o.idle_ns && p->ts_ns > f->last_ns &&
			    p->ts_ns - f->last_ns > t->o.idle_ns;
		if (idle || (flow_believes(f, dir, cksum) && flow_splits(f, p, dir)))
			f = NULL;
	}
	if (!f) {
		uint32_t index;
		if (t->nslots >= t->o.max_flows) {
			t->counts.turned_away++;
			t->counts.outside += !out->depth;
			return 0;
		}
		s = new_slot(t, &key, out->id, h, r, &index);
		if (s)
			s->live = flow_new(&key, no, p, dir);
		/* The file is read again later: no flow is given up for a moment's lack. */
		if (!s || !s->live)
			return -ENOMEM;
		f = s->live;
		f->slot = index;
		s->first_ns = f->first_ns;
		if (out->id) {
			f->tunnel = malloc(sizeof *f->tunnel);
			if (f->tunnel)
				*f->tunnel = out->tunnel;
		}
		list_newest(t, f);
		t->counts.flows++;
	} else if (t->newest != f) {
		unlist(t, f);
		list_newest(t, f);
	}
	flow_add(f, &t->o.stream, p, dir, cksum);
	s->first_ns = f->first_ns;
	size_t memory = flow_memory(f);
	t->memory += memory - f->memory;
	f->memory = memory;
	return t->memory > t->live_limit ? rest(t) : 0;
}

/* enter: what the inner packets of p belong to: the two outer ends, whatever their ports. */
static struct outside enter(const struct flows *t, const struct pkt *p, enum pkt_tunnel kind,
			    const struct outside *out)
{
	struct pkt ends = *p;
	struct {
		struct flowkey key;
		uint32_t kind, id;
	} name = {.kind = kind, .id = out->id};
	bool forward;

	ends.stop = PKT_IP;
	flowkey_of(&ends, &name.key, &forward);
	uint32_t id = (uint32_t)siphash24(&name, sizeof name, t->seed);
	return (struct outside){.id = id ? id : 1,
				.depth = out->depth + 1,
				.tunnel = {.kind = kind,
					   .depth = (uint8_t)(out->depth + 1),
					   .src = p->src,
					   .dst = p->dst}};
}

static int take(struct flows *t, uint64_t no, const struct pkt *p, const struct outside *out)
{
	struct pkt whole, inner;
	int rc;

	switch (p->stop) {
	case PKT_FRAGMENT:
		if (!defrag_add(t->defrag, out->id, p, &whole)) {
			t->counts.outside += !out->depth;
			return 0;
		}
		whole.ts_wraps = p->ts_wraps;
		return take(t, no, &whole, out);
	case PKT_L4:
	case PKT_IP:
		rc = add(t, no, p, out);
		if (rc || out->depth == MAX_TUNNEL_DEPTH)
			return rc;
		enum pkt_tunnel kind = pkt_inner(p, &inner);
		inner.ts_wraps = p->ts_wraps;
		if (kind == PKT_TUNNEL_NONE || inner.stop == PKT_ARP ||
		    inner.stop == PKT_OTHER_L3 || inner.stop == PKT_BROKEN)
			return 0;
		struct outside next = enter(t, p, kind, out);
		return take(t, no, &inner, &next);
	case PKT_BROKEN:
		t->counts.broken++;
		t->counts.outside += !out->depth;
		return 0;
	case PKT_LINK:
		t->counts.link++;
		t->counts.outside += !out->depth;
		return 0;
	case PKT_ARP:
	case PKT_OTHER_L3:
	case PKT_TICK:
		t->counts.other++;
		t->counts.outside += !out->depth;
		return 0;
	}
	return 0;
}

static uint32_t shard_of(const struct pkt *p, uint32_t shards)
{
	/* Every process must come to the same answer: a fixed key. Balance is all that is at stake.
	 */
	static const uint8_t fixed[16] = "lurker-analyzer";
	struct pkt ends = *p;
	struct flowkey key;
	bool forward;

	ends.stop = PKT_IP;
	flowkey_of(&ends, &key, &forward);
	key.proto = 0;
	return (uint32_t)(flowkey_hash(&key, fixed) % shards);
}

int flows_packet(struct flows *t, uint64_t no, const struct pkt *p)
{
	const struct outside nothing = {0};

	if (t->o.shards > 1) {
		bool ip = p->stop == PKT_L4 || p->stop == PKT_IP || p->stop == PKT_FRAGMENT;
		if ((ip ? shard_of(p, t->o.shards) : 0) != t->o.shard)
			return 0;
	}
	t->counts.packets++;
	return take(t, no, p, &nothing);
}

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

int flows_finish(struct flows *t, flows_fn fn, void *arg)
{
	bool sorted = true;
	uint64_t last = 0;
	struct place *order = NULL;
	int rc = 0;

	for (uint32_t i = 0; i < t->nslots && sorted; i++) {
		sorted = slot_at(t, i)->first_ns >= last;
		last = slot_at(t, i)->first_ns;
	}
	if (!sorted) {
		order = malloc(t->nslots * sizeof *order);
		if (!order)
			return -ENOMEM;
		for (uint32_t i = 0; i < t->nslots; i++)
			order[i] = (struct place){.first_ns = slot_at(t, i)->first_ns, .index = i};
		qsort(order, t->nslots, sizeof *order, by_time);
	}
	for (uint32_t i = 0; i < t->nslots; i++) {
		struct flow *f;
		uint32_t index = order ? order[i].index : i;
		rc = awake(t, slot_at(t, index), &f);
		if (rc)
			break;
		t->memory -= f->memory;
		rc = fn(arg, f);
		if (rc)
			break;
		unlist(t, f);
		flow_free(&slot_at(t, index)->live);
	}
	free(order);
	empty(t);
	memset(t->ref, 0, t->nrefs * sizeof *t->ref);
	t->used = 0;
	return rc;
}

const struct flows_counts *flows_counts(const struct flows *t)
{
	return &t->counts;
}

const struct defrag_counts *flows_defrag(const struct flows *t)
{
	return defrag_counts(t->defrag);
}

uint32_t flows_incomplete(const struct flows *t)
{
	return defrag_waiting(t->defrag);
}
