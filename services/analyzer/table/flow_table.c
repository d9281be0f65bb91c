/*
 * The table: which flow a packet belongs to. Of several flows of one key the newest is found.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flow_table_own.h"
#include "pkt/siphash.h"
#include "reassembly/keyed_hash.h"

/* A packet in a packet in a packet …: deeper ones are not looked into. */
#define MAX_TUNNEL_DEPTH 4

/* The table begins as small as this. */
#define MIN_REFS 256u

int flow_table_forget(struct flow_table *t)
{
	free(t->ref);
	t->used = 0;
	t->nrefs = MIN_REFS;
	t->ref = calloc(t->nrefs, sizeof *t->ref);
	return t->ref ? 0 : -ENOMEM;
}

int flow_table_new(const struct flow_table_options *o, struct flow_table **out)
{
	struct flow_table *t = calloc(1, sizeof *t);
	int rc = -ENOMEM;

	*out = NULL;
	if (!t)
		return rc;
	t->o = *o;
	if (getrandom(t->seed, sizeof t->seed, 0) != (ssize_t)sizeof t->seed) {
		rc = -EIO;
		goto fail;
	}
	bool indexed = o->again.read && !o->idle_ns;
	t->live_limit[false] = flow_table_least(o->memory / (indexed ? 8 : 6), LIVE_MOST);
	t->live_limit[true] = LARGE_LEAST * (size_t)o->stream.max_bytes;
	if (t->live_limit[true] < o->memory / 3)
		t->live_limit[true] = o->memory / 3;
	t->store_limit = flow_table_least(o->memory / (indexed ? 8 : 6), STORE_MOST);
	rc = flow_table_forget(t);
	if (!rc)
		rc = defrag_new(o->defrag, t->seed, &t->defrag);
	if (!rc)
		rc = pager_new(o->page_dir,
			       flow_table_least(o->memory / (indexed ? 8 : 3), PACKED_MOST),
			       &t->pager);
	if (!rc && indexed)
		rc = packet_index_new(o->memory / 8 * 5, &t->index);
	if (rc)
		goto fail;
	*out = t;
	return 0;
fail:
	flow_table_free(&t);
	return rc;
}

void flow_table_clear(struct flow_table *t)
{
	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->chunk[i >> CHUNK_BITS] && slot_at(t, i)->state == SLOT_LIVE)
			flow_free(&slot_at(t, i)->live);
	for (uint32_t i = 0; i < t->nchunks; i++)
		free(t->chunk[i]);
	free(t->chunk);
	t->chunk = NULL;
	t->nslots = t->nchunks = 0;
	t->nlive = 0;
	free(t->order);
	t->order = NULL;
	t->given = 0;
	t->memory[false] = t->memory[true] = 0;
	if (t->index)
		packet_index_clear(t->index);
}

void flow_table_free(struct flow_table **tp)
{
	struct flow_table *t = *tp;

	if (!t)
		return;
	flow_table_clear(t);
	free(t->ref);
	free(t->live);
	free(t->round);
	defrag_free(&t->defrag);
	pager_free(&t->pager);
	payload_store_free(&t->store);
	packet_index_free(&t->index);
	free(t);
	*tp = NULL;
}

static uint32_t hash(const struct flow_table *t, const struct flowkey *key, uint32_t tunnel)
{
	uint64_t h;

	if (key->lo.family == 4) { /* a key of IPv4 is mostly zeros */
		uint32_t w[4] = {0, 0, 0, tunnel};
		memcpy(&w[0], key->lo.b, sizeof w[0]);
		memcpy(&w[1], key->hi.b, sizeof w[1]);
		memcpy(&w[2], &key->lo_port, sizeof w[2]);
		w[3] ^= (uint32_t)key->proto << 24;
		h = keyed_hash_fold(keyed_hash_word(w) ^ keyed_hash_word(t->seed),
				    keyed_hash_word(w + 2) ^ keyed_hash_word(t->seed + 8));
	} else {
		h = keyed_hash((const uint8_t *)key, sizeof *key, t->seed) + tunnel;
	}
	return (uint32_t)(h ^ h >> 32);
}

static bool is_of(const struct slot *s, const struct flowkey *key, uint32_t tunnel)
{
	return memcmp(&s->key, key, sizeof *key) == 0 && s->tunnel == tunnel;
}

/* find: the table's entry of a key, or the free one where it goes. */
static struct ref *find(const struct flow_table *t, const struct flowkey *key, uint32_t tunnel,
			uint32_t h)
{
	for (uint32_t i = h;; i++) {
		struct ref *r = &t->ref[i & (t->nrefs - 1)];
		if (!r->slot || (r->hash == h && is_of(slot_at(t, r->slot - 1), key, tunnel)))
			return r;
	}
}

/* grow: a table of twice the size. */
static int grow(struct flow_table *t)
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
static struct slot *new_slot(struct flow_table *t, const struct flowkey *key, uint32_t tunnel,
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

static void look_at(const struct flow_table *t, const struct pkt *p, uint32_t tunnel,
		    struct look *k)
{
	flowkey_of(p, &k->key, &k->forward);
	k->hash = hash(t, &k->key, tunnel);
}

/* Where a packet is from. */
struct origin {
	uint64_t no;    /* number in the file */
	uint64_t place; /* CAPFILE_NOWHERE: it cannot be read again as it is */
};

/* begin_indexed: whether the flow of a new slot can be indexed for now. */
static bool begin_indexed(struct flow_table *t, const struct origin *from, const struct pkt *p,
			  struct slot *s)
{
	if (!t->index || from->place == CAPFILE_NOWHERE ||
	    !packet_index_begin(t->index, from->no, &s->entries) ||
	    !packet_index_add(t->index, &s->entries, from->place))
		return false;
	s->state = SLOT_INDEXED;
	s->closed = false;
	s->first_ns = p->ts_ns;
	return true;
}

/* begin: the flow that begins with p. -ENOMEM: the file is read again later, no flow is given up
 * for a moment's lack. */
static int begin(struct flow_table *t, const struct origin *from, const struct pkt *p,
		 const struct outside *out, const struct look *k, struct ref *r, uint32_t *index)
{
	struct slot *s = new_slot(t, &k->key, out->id, k->hash, r, index);

	if (!s)
		return -ENOMEM;
	t->counts.flows++;
	if (begin_indexed(t, from, p, s))
		return 0;
	struct flow *f = s->live = flow_new(&k->key, from->no, p, k->forward ? 0 : 1);
	if (!f)
		return -ENOMEM;
	f->slot = *index;
	if (out->id) {
		f->tunnel = malloc(sizeof *f->tunnel);
		if (f->tunnel)
			*f->tunnel = out->tunnel;
	}
	return flow_table_enlist(t, f);
}

static bool is_plain_syn(const struct pkt *p)
{
	return p->proto == IPPROTO_TCP && p->stop == PKT_L4 &&
	       (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* stays: whether a packet certainly belongs to an indexed flow: only another SYN than the one
 * that began it, or any SYN behind a FIN or RST, may begin a new one. */
static bool stays(const struct flow_table *t, const struct slot *s, const struct pkt *p)
{
	struct pkt first;
	uint32_t at;

	if (!is_plain_syn(p))
		return true;
	packet_index_at(t->index, s->entries.first, &at);
	return !s->closed &&
	       t->o.again.read(t->o.again.arg, packet_index_at(t->index, at, &at), &first) &&
	       is_plain_syn(&first) && first.seq == p->seq && addr_eq(&first.src, &p->src) &&
	       first.sport == p->sport;
}

/* follow: adds p to the index of its flow. False: the flow must be live. */
static bool follow(struct flow_table *t, const struct origin *from, const struct pkt *p,
		   struct slot *s)
{
	if (from->place == CAPFILE_NOWHERE || !stays(t, s, p) ||
	    !packet_index_add(t->index, &s->entries, from->place))
		return false;
	if (p->proto == IPPROTO_TCP && p->flags & (TCP_FIN | TCP_RST))
		s->closed = true;
	if (p->ts_ns < s->first_ns)
		s->first_ns = p->ts_ns;
	return true;
}

/* update: adds p to a live flow. */
static int update(struct flow_table *t, const struct pkt *p, int dir, enum cksum_state cksum,
		  struct slot *s)
{
	struct flow *f = s->live;

	flow_add(f, &t->o.stream, p, dir, cksum);
	s->first_ns = f->first_ns;
	flow_table_weigh(t, f, flow_memory(f));
	bool large = flow_is_large(f);
	return t->memory[large] > t->live_limit[large] ? flow_table_pack(t, large, f) : 0;
}

static int add(struct flow_table *t, const struct origin *from, const struct pkt *p,
	       const struct outside *out, const struct look *k)
{
	struct ref *r = find(t, &k->key, out->id, k->hash);
	struct slot *s = r->slot ? slot_at(t, r->slot - 1) : NULL;

	if (s && s->state == SLOT_INDEXED && follow(t, from, p, s))
		return 0;
	enum cksum_state cksum = p->stop == PKT_L4 ? pkt_cksum(p) : CKSUM_UNKNOWN;
	int dir = k->forward ? 0 : 1, rc;
	uint32_t index = r->slot - 1;
	if (s) {
		struct flow *f;
		rc = flow_table_restore(t, index, &f);
		if (rc)
			return rc;
		bool idle = t->o.idle_ns && p->ts_ns > f->last_ns &&
			    p->ts_ns - f->last_ns > t->o.idle_ns;
		if (idle || (flow_believes(f, dir, cksum) && flow_splits(f, p, dir)))
			s = NULL;
	}
	if (!s) {
		if (t->nslots >= t->o.max_flows) {
			t->counts.turned_away++;
			t->counts.outside += !out->depth;
			return 0;
		}
		rc = begin(t, from, p, out, k, r, &index);
		if (rc)
			return rc;
		s = slot_at(t, index);
	}
	return s->state == SLOT_INDEXED ? 0 : update(t, p, dir, cksum, s);
}

/* enter: what the inner packets of p belong to: the two outer ends, whatever their ports. */
static struct outside enter(const struct flow_table *t, const struct pkt *p, enum pkt_tunnel kind,
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
static int take(struct flow_table *t, const struct origin *from, const struct pkt *p,
		const struct outside *out, const struct look *k)
{
	const struct origin made = {.no = from->no, .place = CAPFILE_NOWHERE};
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
		return take(t, &made, &whole, out, NULL);
	case PKT_L4:
	case PKT_IP:
		if (!k) {
			look_at(t, p, out->id, &own);
			k = &own;
		}
		rc = add(t, from, p, out, k);
		if (rc || p->proto == IPPROTO_TCP)
			return rc;
		enum pkt_tunnel kind = pkt_inner(p, &inner);
		inner.ts_wraps = p->ts_wraps;
		if (kind == PKT_TUNNEL_NONE || inner.stop == PKT_ARP ||
		    inner.stop == PKT_OTHER_L3 || inner.stop == PKT_BROKEN)
			return 0;
		if (out->depth == MAX_TUNNEL_DEPTH) {
			t->counts.deep++;
			return 0;
		}
		struct outside next = enter(t, p, kind, out);
		return take(t, &made, &inner, &next, NULL);
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

/* The lines of a flow that a packet touches. */
static void prefetch_flow(const struct flow *f)
{
	for (size_t at = 0; at < offsetof(struct flow, key); at += 64)
		__builtin_prefetch((const char *)f + at, 1);
}

/* Memory is slow: what a packet's flow lies behind is asked for of all packets of a batch, before
 * the first of them needs it. What comes to rest or grows meanwhile costs nothing but time. */
int flow_table_packets(struct flow_table *t, const struct flow_table_packet *in, size_t n)
{
	const struct outside nothing = {0};
	struct look look[FLOW_TABLE_BATCH];
	bool plain[FLOW_TABLE_BATCH], ours[FLOW_TABLE_BATCH];
	struct slot *slot[FLOW_TABLE_BATCH];
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pkt *p = &in[i].p;
		ours[i] = flow_table_owns(t, p);
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
		if (slot[i] && slot[i]->state == SLOT_LIVE)
			prefetch_flow(slot[i]->live);
		else if (slot[i] && slot[i]->state == SLOT_INDEXED)
			packet_index_prefetch(t->index, slot[i]->entries.last);
	for (size_t i = 0; i < n && !rc; i++) {
		if (!ours[i])
			continue;
		t->counts.packets++;
		rc = take(t, &(struct origin){in[i].no, in[i].place}, &in[i].p, &nothing,
			  plain[i] ? &look[i] : NULL);
	}
	return rc;
}

const struct flow_table_counts *flow_table_counts(const struct flow_table *t)
{
	return &t->counts;
}

const struct defrag_counts *flow_table_defrag(const struct flow_table *t)
{
	return defrag_counts(t->defrag);
}

uint32_t flow_table_incomplete(const struct flow_table *t)
{
	return defrag_waiting(t->defrag);
}
