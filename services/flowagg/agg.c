#include "flowagg/agg.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "flowagg/close.h"

/* Ticks between two looks whether memory can be given back. */
#define TRIM_TICKS 16

int agg_init(struct agg *a, const struct agg_limits *limits, const uint8_t seed[16],
	     agg_seal_fn seal, void *arg)
{
	*a = (struct agg){.limits = *limits, .seal = seal, .arg = arg, .next = 1, .next_seal = 1};
	memcpy(a->seed, seed, sizeof a->seed);
	int rc = packet_pool_init(&a->pool, limits->max_bytes);
	if (!rc)
		rc = open_flows_init(&a->table, limits->max_flows, seed);
	if (!rc)
		rc = frags_init(&a->frags, seed);
	if (!rc)
		rc = names_init(&a->names, seed);
	if (rc)
		agg_fini(a);
	return rc;
}

void agg_fini(struct agg *a)
{
	packet_pool_fini(&a->pool);
	open_flows_fini(&a->table);
	frags_fini(&a->frags);
	names_fini(&a->names);
	bundle_fini(&a->bundle);
}

/* Ends flows that were silent for too long; at equal times, in a fixed order of the classes. */
static int agg_expire(struct agg *a)
{
	for (;;) {
		struct open_flow *f = NULL;
		for (int c = 0; c < FLOW_CLASSES; c++) {
			struct open_flow *o = open_flows_oldest(&a->table, (enum flow_class)c);
			if (o && (!f || o->seen < f->seen))
				f = o;
		}
		if (!f || a->clock.now - f->seen < a->limits.idle_ns)
			return 0;
		int rc = close_flow(a, f, END_IDLE);
		if (rc)
			return rc;
	}
}

/* Seeing the same time again changes nothing. */
static int agg_see_time(struct agg *a, uint64_t ts_ns)
{
	uint64_t ref = a->clock.ref_ns;

	if (flow_clock_see(&a->clock, ts_ns)) {
		names_set_back(&a->names, ref);
		a->counts.set_back++;
	}
	int rc = agg_expire(a);
	return rc ? rc : close_bundle_of_past(a);
}

/* Room for one more flow and one more packet. */
static int agg_make_room(struct agg *a, uint32_t blocks)
{
	while (a->table.used == a->table.max || packet_pool_left(&a->pool) < blocks) {
		struct open_flow *f = open_flows_least(&a->table);
		assert(f); /* one packet always fits into an empty pool */
		bool data = f->class == CLASS_DATA;
		int rc = close_flow(a, f, END_PRESSURE);
		if (rc)
			return rc;
		a->counts.evicted_data += data;
		a->counts.evicted_plain += !data;
	}
	return 0;
}

/* The key of the fragments of a datagram whose ports are not known. */
static void agg_fragments_key(const struct pkt *p, struct flowkey *key, bool *forward)
{
	flowkey_of(p, key, forward);
	key->pad = KEY_FRAGMENTS;
	key->lo_port = (uint16_t)(p->ip_id >> 16);
	key->hi_port = (uint16_t)p->ip_id;
}

static struct open_flow *agg_begin(struct agg *a, const struct flowkey *key, const struct pkt *p,
				   int linktype, unsigned side)
{
	struct open_flow *f = open_flows_add(&a->table, key, CLASS_PLAIN);

	f->init_ns = p->ts_ns;
	f->born = a->clock.now;
	f->linktype = (uint16_t)linktype;
	f->initiator = (uint8_t)side;
	f->suffix = names_suffix(&a->names, key, p->ts_ns);
	a->counts.flows++;
	return f;
}

/* The rest of a flow that was cut by age or size still knows who began it. */
static int agg_renumber(struct agg *a, struct open_flow **at, const struct pkt *p,
			enum agg_reason reason)
{
	struct open_flow was = **at, *f;

	int rc = close_flow(a, *at, reason);
	if (rc)
		return rc;
	*at = f = agg_begin(a, &was.key, p, was.linktype, was.initiator);
	f->rank = was.rank;
	f->has_isn = was.has_isn;
	memcpy(f->isn, was.isn, sizeof f->isn);
	return 0;
}

/* A SYN with another ISN than this side has used. */
static bool agg_begins_anew(const struct open_flow *f, const struct pkt *p, unsigned side)
{
	return p->stop == PKT_L4 && p->proto == IPPROTO_TCP &&
	       (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && (f->has_isn & (1u << side)) &&
	       f->isn[side] != p->seq;
}

/* What the packet says about who began the flow, and whether the source is real. */
static void agg_learn(struct open_flow *f, const struct pkt *p, unsigned side)
{
	if (p->stop != PKT_L4 || p->proto != IPPROTO_TCP)
		return;
	/* A RST is what a forged source's own host, or a scanner's kernel, says to an answer. */
	if (side == f->initiator && f->wire[!side] && (p->flags & TCP_ACK) &&
	    !(p->flags & (TCP_SYN | TCP_RST)))
		f->has_isn |= FLOW_TALKS;
	if (!(p->flags & TCP_SYN))
		return;
	enum flow_rank rank = p->flags & TCP_ACK ? RANK_SYNACK : RANK_SYN;
	if (rank > f->rank) {
		f->rank = (uint8_t)rank;
		f->initiator = (uint8_t)(rank == RANK_SYN ? side : !side);
	}
	if (!(f->has_isn & (1u << side))) {
		f->has_isn |= (uint8_t)(1u << side);
		f->isn[side] = p->seq;
	}
}

static uint32_t agg_payload_of(const struct pkt *p)
{
	switch (p->stop) {
	case PKT_L4:
		return p->payload_wire;
	case PKT_IP:
	case PKT_FRAGMENT:
		return p->l4_len;
	default:
		return 0;
	}
}

static void agg_store(struct agg *a, struct open_flow *f, const struct agg_packet *p, unsigned side)
{
	uint32_t len = p->len > STORED_LEN_MAX ? STORED_LEN_MAX : p->len;
	struct stored s = {p->ts_ns, p->caplen, len << 1 | side};

	chain_write(&a->pool, &f->chain, &s, sizeof s);
	chain_write(&a->pool, &f->chain, p->data, p->caplen);
	if (!f->packets++)
		f->first = p->number;
	f->bytes += sizeof s + p->caplen;
	f->last_ns = p->ts_ns;
	f->wire[side]++;
	a->counts.open++;
}

static void agg_touch(struct agg *a, struct open_flow *f)
{
	bool data = f->payload[f->initiator] && f->key.pad != KEY_FRAGMENTS;

	f->seen = a->clock.now;
	open_flows_touch(&a->table, f,
			 data                      ? CLASS_DATA
			 : f->has_isn & FLOW_TALKS ? CLASS_TALK
						   : CLASS_PLAIN);
}

/* Fragments that came before the one with the ports join its flow, in front of it, if there is
 * memory for them and for need more bytes. Sides are the same for both: lo is the lower address. */
static void agg_join_fragments(struct agg *a, struct open_flow *f, const struct pkt *p, size_t need)
{
	struct flowkey key;
	bool forward;

	agg_fragments_key(p, &key, &forward);
	struct open_flow *early = open_flows_find(&a->table, &key);
	if (!early || early->linktype != f->linktype ||
	    chain_need(&f->chain, early->bytes + need) > packet_pool_left(&a->pool))
		return;
	struct chain_pos pos = chain_begin(&early->chain);
	for (uint32_t i = 0; i < early->packets; i++) {
		struct stored s;
		chain_copy(&a->pool, &pos, &s, sizeof s);
		chain_write(&a->pool, &f->chain, &s, sizeof s);
		for (size_t left = s.caplen; left;) {
			const uint8_t *from;
			size_t n = chain_read(&a->pool, &pos, left, &from);
			chain_write(&a->pool, &f->chain, from, n);
			left -= n;
		}
		f->wire[s.len_side & 1]++;
	}
	for (unsigned side = 0; side < 2; side++)
		f->payload[side] += early->payload[side];
	if (!f->packets) {
		f->first = early->first;
		f->init_ns = early->init_ns;
		f->suffix = names_suffix(&a->names, &f->key, f->init_ns);
	}
	f->packets += early->packets;
	f->bytes += early->bytes;
	a->counts.fragments_joined += early->packets;
	chain_free(&a->pool, &early->chain);
	open_flows_remove(&a->table, early);
}

/* Which flow a packet is of. */
struct place {
	struct flowkey key;
	bool forward;
	bool opens;        /* the fragment with the ports: others may wait for it */
	bool joins, alone; /* a later fragment, of a flow that is known or not */
};

/* Looking twice finds the same. */
static void agg_find_place(struct agg *a, const struct pkt *p, struct place *at)
{
	struct flowkey known;
	struct pkt first;

	*at = (struct place){0};
	if (p->stop != PKT_FRAGMENT) {
		flowkey_of(p, &at->key, &at->forward);
	} else if (p->frag_off == 0 && frag_ports(p, &first)) {
		flowkey_of(&first, &at->key, &at->forward);
		frags_learn(&a->frags, p, &at->key, a->clock.now);
		at->opens = true;
	} else {
		agg_fragments_key(p, &at->key, &at->forward);
		at->joins = frags_find(&a->frags, p, a->clock.now, &known);
		at->alone = !at->joins;
		if (at->joins) {
			at->forward = addr_eq(&known.lo, &p->src);
			at->key = known;
		}
	}
}

/* The open flow of a place: the present one, or a new one, perhaps after the old one ended. */
static int agg_flow_at(struct agg *a, const struct place *at, const struct agg_packet *in,
		       const struct pkt *p, size_t need, struct open_flow **out)
{
	unsigned side = !at->forward;
	int rc = 0;

	*out = open_flows_find(&a->table, &at->key);
	if (!*out) {
		*out = agg_begin(a, &at->key, p, in->linktype, side);
	} else if (agg_begins_anew(*out, p, side) || (*out)->linktype != in->linktype) {
		rc = close_flow(a, *out, END_REUSE);
		if (!rc)
			*out = agg_begin(a, &at->key, p, in->linktype, side);
	} else if (a->clock.now - (*out)->born >= a->limits.max_age_ns) {
		rc = agg_renumber(a, out, p, END_AGE);
	} else if ((*out)->bytes + need > a->limits.max_flow_bytes) {
		rc = agg_renumber(a, out, p, END_SIZE);
	}
	return rc;
}

/* Only ending flows may fail, so that comes first. */
static int agg_fold(struct agg *a, const struct agg_packet *in, const struct pkt *p)
{
	struct place at;
	struct open_flow *f;
	size_t need = sizeof(struct stored) + in->caplen;

	agg_find_place(a, p, &at);
	int rc = agg_make_room(a, (uint32_t)(need / PACKET_POOL_BLOCK + 2));
	if (!rc)
		rc = agg_flow_at(a, &at, in, p, need, &f);
	if (rc)
		return rc;
	a->counts.fragments_joined += at.joins;
	a->counts.fragments_alone += at.alone;
	if (at.opens)
		agg_join_fragments(a, f, p, need);
	agg_learn(f, p, !at.forward);
	f->payload[!at.forward] += agg_payload_of(p);
	agg_store(a, f, in, !at.forward);
	agg_touch(a, f);
	return 0;
}

int agg_packet(struct agg *a, const struct agg_packet *in)
{
	struct pkt p;

	int rc = agg_see_time(a, in->ts_ns);
	if (rc)
		return rc;
	pkt_decode(in->linktype, in->data, in->caplen, in->len, &p);
	p.ts_ns = in->ts_ns;
	switch (p.stop) {
	case PKT_TICK:
		a->counts.ticks++;
		if (a->counts.ticks % TRIM_TICKS == 0 && a->pool.used < a->pool.fresh / 8)
			packet_pool_trim(&a->pool);
		break;
	case PKT_ARP:
		a->counts.arp++;
		break;
	case PKT_OTHER_L3:
		a->counts.other_l3++;
		break;
	case PKT_BROKEN:
		a->counts.broken++;
		break;
	case PKT_LINK:
		a->counts.unknown_link++;
		break;
	case PKT_L4:
	case PKT_FRAGMENT:
	case PKT_IP:
		rc = agg_fold(a, in, &p);
		if (rc)
			return rc;
	}
	a->counts.packets += p.stop != PKT_TICK;
	a->next = in->number + 1;
	return 0;
}
