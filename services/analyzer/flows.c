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
	/* The live flows, and of each the round in which it was used last. */
	struct flow **live;
	uint32_t *round;
	uint32_t nlive, live_cap, now;
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

/* enlist: makes f one of the live flows. */
static int enlist(struct flows *t, struct flow *f)
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

/* unlist: the place i among the live flows becomes that of the last one. */
static void unlist(struct flows *t, uint32_t i)
{
	uint32_t last = --t->nlive;

	t->live[i] = t->live[last];
	t->live[i]->live = i;
	t->round[i] = t->round[last];
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
	t->nlive = 0;
	t->memory = 0;
}

void flows_free(struct flows **tp)
{
	struct flows *t = *tp;

	if (!t)
		return;
	empty(t);
	free(t->ref);
	free(t->live);
	free(t->round);
	defrag_free(&t->defrag);
	pager_free(&t->pager);
	store_free(&t->store);
	free(t);
	*tp = NULL;
}

/* put_aside: a live flow comes to rest, if it can. */
static int put_aside(struct flows *t, struct flow *f)
{
	struct slot *s = slot_at(t, f->slot);
	uint32_t live = f->live;
	size_t memory = f->memory;
	uint64_t place;

	if (!flow_can_freeze(f))
		return 0;
	int rc = flow_freeze(&f, t->pager, t->store, &place);
	if (rc)
		return rc;
	t->memory -= memory;
	s->resting = true;
	s->place = place;
	t->counts.paged_out += pager_on_disk(t->pager, place);
	/* Last of all: the last flow of the list may be this one, which is gone. */
	if (live == t->nlive - 1)
		t->nlive--;
	else
		unlist(t, live);
	return 0;
}

/* rest: puts flows aside that were not used since it last did, and then, if need be, others, until a quarter of the live
 * ones' memory is free again. */
static int rest(struct flows *t)
{
	int rc = 0;

	/* Without it, the pager gets all. */
	if (!t->store)
		(void)store_new(least(t->o.memory / 6, STORE_MOST), &t->store);
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = t->nlive; !rc && i-- > 0;) {
			if (t->memory <= t->live_limit - t->live_limit / 4)
				goto out;
			if (i >= 8)
				__builtin_prefetch(t->live[i - 8]);
			if (pass || t->round[i] != t->now)
				rc = put_aside(t, t->live[i]);
		}
out:
	t->now++;
	return rc;
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
		rc = enlist(t, *out);
		if (rc) {
			flow_free(out);
			return rc;
		}
		s->live = *out;
		s->resting = false;
		s->live->memory = flow_memory(s->live);
		t->memory += s->live->memory;
	}
	*out = s->live;
	t->round[(*out)->live] = t->now;
	return 0;
}

/* What the outer packets of an inner one have been. */
struct outside {
	uint32_t id; /* 0: nothing */
	int depth;
	struct flow_tunnel tunnel;
};

/* What is looked up of a packet. */
struct look {
	struct flowkey key;
	uint32_t hash;
	bool forward;
};

static void look_at(const struct flows *t, const struct pkt *p, uint32_t tunnel, struct look *k)
{
	flowkey_of(p, &k->key, &k->forward);
	k->hash = hash(t, &k->key, tunnel);
}

/* begin: the flow that begins with p. -ENOMEM: the file is read again later, no flow is given up for a moment's
 * lack. */
static int begin(struct flows *t, uint64_t no, const struct pkt *p, const struct outside *out,
		 const struct look *k, struct ref *r, struct slot **slot)
{
	uint32_t index;
	struct slot *s = *slot = new_slot(t, &k->key, out->id, k->hash, r, &index);

	if (!s)
		return -ENOMEM;
	struct flow *f = s->live = flow_new(&k->key, no, p, k->forward ? 0 : 1);
	if (!f)
		return -ENOMEM;
	f->slot = index;
	s->first_ns = f->first_ns;
	if (out->id) {
		f->tunnel = malloc(sizeof *f->tunnel);
		if (f->tunnel)
			*f->tunnel = out->tunnel;
	}
	t->counts.flows++;
	return enlist(t, f);
}

static int add(struct flows *t, uint64_t no, const struct pkt *p, const struct outside *out,
	       const struct look *k)
{
	struct flow *f = NULL;
	enum cksum_state cksum = p->stop == PKT_L4 ? pkt_cksum(p) : CKSUM_UNKNOWN;
	int dir = k->forward ? 0 : 1, rc;
	struct ref *r = find(t, &k->key, out->id, k->hash);
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
		if (t->nslots >= t->o.max_flows) {
			t->counts.turned_away++;
			t->counts.outside += !out->depth;
			return 0;
		}
		rc = begin(t, no, p, out, k, r, &s);
		if (rc)
			return rc;
		f = s->live;
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

/* take: k is what was looked up of p; NULL: not yet. */
static int take(struct flows *t, uint64_t no, const struct pkt *p, const struct outside *out,
		const struct look *k)
{
	struct pkt whole, inner;
	struct look own;
	int rc;

	switch (p->stop) {
	case PKT_FRAGMENT:
		if (!defrag_add(t->defrag, out->id, p, &whole)) {
			t->counts.outside += !out->depth;
			return 0;
		}
		whole.ts_wraps = p->ts_wraps;
		return take(t, no, &whole, out, NULL);
	case PKT_L4:
	case PKT_IP:
		if (!k) {
			look_at(t, p, out->id, &own);
			k = &own;
		}
		rc = add(t, no, p, out, k);
		if (rc || out->depth == MAX_TUNNEL_DEPTH || p->proto == IPPROTO_TCP)
			return rc;
		enum pkt_tunnel kind = pkt_inner(p, &inner);
		inner.ts_wraps = p->ts_wraps;
		if (kind == PKT_TUNNEL_NONE || inner.stop == PKT_ARP ||
		    inner.stop == PKT_OTHER_L3 || inner.stop == PKT_BROKEN)
			return 0;
		struct outside next = enter(t, p, kind, out);
		return take(t, no, &inner, &next, NULL);
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
	/* Every process must come to the same answer, whichever way the packet goes: a fixed key. Balance is all that is
	 * at stake. */
	static const uint8_t fixed[16] = "lurker-analyzer";
	uint64_t src = mix_bytes(p->src.b, sizeof p->src.b, fixed),
		 dst = mix_bytes(p->dst.b, sizeof p->dst.b, fixed);

	return (uint32_t)(((src + dst) >> 32) % shards);
}

static bool is_ours(const struct flows *t, const struct pkt *p)
{
	bool ip = p->stop == PKT_L4 || p->stop == PKT_IP || p->stop == PKT_FRAGMENT;

	return t->o.shards <= 1 || (ip ? shard_of(p, t->o.shards) : 0) == t->o.shard;
}

/* The lines of a flow that a packet touches. */
static void prefetch_flow(const struct flow *f)
{
	for (size_t at = 0; at < offsetof(struct flow, key); at += 64)
		__builtin_prefetch((const char *)f + at, 1);
}

/* Memory is slow: what a packet's flow lies behind is asked for of all packets of a batch, before the first
 * of them needs it. What comes to rest or grows meanwhile costs nothing but time. */
int flows_packets(struct flows *t, const struct flows_packet *in, size_t n)
{
	const struct outside nothing = {0};
	struct look look[FLOWS_BATCH];
	bool plain[FLOWS_BATCH], ours[FLOWS_BATCH];
	struct slot *slot[FLOWS_BATCH];
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pkt *p = &in[i].p;
		ours[i] = is_ours(t, p);
		plain[i] = ours[i] && (p->stop == PKT_L4 || p->stop == PKT_IP);
		if (!plain[i])
			continue;
		look_at(t, p, 0, &look[i]);
		__builtin_prefetch(&t->ref[look[i].hash & (t->nrefs - 1)]);
	}
	for (size_t i = 0; i < n; i++) {
		slot[i] = NULL;
		if (!plain[i])
			continue;
		const struct ref *r = &t->ref[look[i].hash & (t->nrefs - 1)];
		if (!r->slot || r->hash != look[i].hash)
			continue;
		slot[i] = slot_at(t, r->slot - 1);
		__builtin_prefetch(slot[i], 1);
	}
	for (size_t i = 0; i < n; i++)
		if (slot[i] && !slot[i]->resting)
			prefetch_flow(slot[i]->live);
	for (size_t i = 0; i < n && !rc; i++) {
		if (!ours[i])
			continue;
		t->counts.packets++;
		rc = take(t, in[i].no, &in[i].p, &nothing, plain[i] ? &look[i] : NULL);
	}
	return rc;
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

/* in_order: the slots by time; *order NULL: as they are. */
static int in_order(const struct flows *t, struct place **order)
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

/* How many flows ahead memory is asked for a resting flow, it is woken, and its taker is told again. */
enum { FETCH = 12, WAKE = 6, NEAR = 3 };

int flows_finish(struct flows *t, const struct flows_taker *to)
{
	struct place *order;
	int rc = in_order(t, &order);

	/* Each step of the loop does something for four flows. */
	for (uint32_t step = 0; !rc && step < t->nslots + FETCH; step++) {
		struct slot *s;
		struct flow *f;
#define AT(behind)    slot_at(t, order ? order[step - (behind)].index : step - (behind))
#define IS_AT(behind) (step >= (behind) && step - (behind) < t->nslots)
		if (step < t->nslots && AT(0)->resting)
			pager_prefetch(t->pager, AT(0)->place);
		if (IS_AT(FETCH - WAKE)) {
			rc = awake(t, AT(FETCH - WAKE), &f);
			if (!rc && to->ahead)
				to->ahead(to->arg, f, false);
		}
		if (!rc && to->ahead && IS_AT(FETCH - NEAR))
			to->ahead(to->arg, AT(FETCH - NEAR)->live, true);
		if (!rc && IS_AT(FETCH)) {
			s = AT(FETCH);
			f = s->live;
			t->memory -= f->memory;
			rc = to->take(to->arg, f);
			if (!rc) {
				unlist(t, f->live);
				flow_free(&s->live);
			}
		}
#undef AT
#undef IS_AT
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
