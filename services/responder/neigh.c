#include "responder/neigh.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/cksum.h"
#include "responder/segment.h"

enum { ARP_BYTES = 28, ND_BYTES = 24, ND_OPT = 8, ICMP6_NS = 135, ICMP6_NA = 136 };

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

int neigh_init(struct neigh *n, uint32_t entries, const uint8_t mac[6], const uint8_t key[16])
{
	uint32_t sets = 1;

	memset(n, 0, sizeof *n);
	while (sets * NEIGH_WAYS < entries)
		sets *= 2;
	n->mask = sets - 1;
	memcpy(n->mac, mac, 6);
	memcpy(n->key, key, 16);
	n->set = calloc(sets, sizeof *n->set);
	return n->set ? 0 : -ENOMEM;
}

void neigh_fini(struct neigh *n)
{
	free(n->set);
	n->set = NULL;
}

static struct neigh_entry *neigh_set_of(const struct neigh *n, const struct addr *a)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, (const uint8_t *)a, sizeof *a, n->key);
	return n->set[h & n->mask];
}

/* What is known now: a finished probe has become free, what is too old is unknown again. */
static enum neigh_state neigh_state_of(struct neigh_entry *e, uint64_t now_ns)
{
	uint64_t age = now_ns - e->since_ns;

	if (e->state == NEIGH_PROBING && age >= NEIGH_PROBE_NS)
		e->state = NEIGH_FREE;
	if ((e->state == NEIGH_FREE && age >= NEIGH_FREE_NS) ||
	    (e->state == NEIGH_CLAIMED && age >= NEIGH_CLAIM_NS))
		e->state = NEIGH_UNKNOWN;
	return e->state;
}

static void neigh_remember(struct neigh *n, const struct addr *a, enum neigh_state state,
			   uint64_t now_ns)
{
	struct neigh_entry *set = neigh_set_of(n, a), *victim = NULL;

	for (int i = 0; i < NEIGH_WAYS; i++) {
		struct neigh_entry *e = &set[i];

		if (e->state && addr_eq(&e->a, a)) {
			victim = e;
			break;
		}
		/* Unknown before free or probing before claimed, then the oldest. */
		if (!victim ||
		    (neigh_state_of(e, now_ns) == NEIGH_UNKNOWN &&
		     victim->state != NEIGH_UNKNOWN) ||
		    (e->state < NEIGH_CLAIMED) > (victim->state < NEIGH_CLAIMED) ||
		    ((e->state < NEIGH_CLAIMED) == (victim->state < NEIGH_CLAIMED) &&
		     victim->state != NEIGH_UNKNOWN && e->since_ns < victim->since_ns))
			victim = e;
	}
	if (victim->state && !addr_eq(&victim->a, a)) {
		n->evicted++;
		if (victim->state == NEIGH_CLAIMED && state != NEIGH_CLAIMED)
			return; /* a set full of claims keeps them; the address stays unanswered */
	}
	*victim = (struct neigh_entry){*a, (uint8_t)state, now_ns};
}

static enum neigh_state neigh_lookup(struct neigh *n, const struct addr *a, uint64_t now_ns)
{
	struct neigh_entry *set = neigh_set_of(n, a);

	for (int i = 0; i < NEIGH_WAYS; i++)
		if (set[i].state && addr_eq(&set[i].a, a))
			return neigh_state_of(&set[i], now_ns);
	return NEIGH_UNKNOWN;
}

static size_t neigh_arp_write(const struct neigh *n, const struct pkt *p, uint16_t op,
			      const uint8_t *spa, const uint8_t *tha, const uint8_t *tpa,
			      const uint8_t *dst, uint8_t *out)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};
	struct link l;
	size_t at;

	link_of(&l, p);
	memcpy(l.dst, dst, 6);
	memcpy(l.src, n->mac, 6);
	at = link_write(&l, 0x0806, out);
	memcpy(out + at, head, 6);
	out[at + 6] = 0;
	out[at + 7] = (uint8_t)op;
	memcpy(out + at + 8, n->mac, 6);
	memcpy(out + at + 14, spa, 4);
	memcpy(out + at + 18, tha, 6);
	memcpy(out + at + 24, tpa, 4);
	return at + ARP_BYTES;
}

/* The question about target: answer it, or ask the link first. */
static enum neigh_verdict neigh_question(struct neigh *n, const struct addr *target,
					 uint64_t now_ns)
{
	switch (neigh_lookup(n, target, now_ns)) {
	case NEIGH_FREE:
		return NEIGH_ANSWERED;
	case NEIGH_UNKNOWN:
		neigh_remember(n, target, NEIGH_PROBING, now_ns);
		return NEIGH_PROBED;
	default:
		return NEIGH_HELD;
	}
}

static bool neigh_is_ours(const struct watch *w, const struct addr *a)
{
	return watch_addr(w, a) && !watch_owns(w, a);
}

enum neigh_verdict neigh_arp(struct neigh *n, const struct watch *w, const struct pkt *p,
			     uint64_t now_ns, uint8_t *out, size_t *len)
{
	static const uint8_t none[6];
	size_t at = 14 + 4 * (size_t)p->tags;
	const uint8_t *a = p->frame + at;
	struct addr sender, target;
	enum neigh_verdict v;

	*len = 0;
	if (p->caplen < at + ARP_BYTES || !p->mac_src || memcmp(a, "\0\1\10\0\6\4\0", 7) != 0)
		return NEIGH_IGNORED;
	if (p->mac_src[0] & 1 || a[8] & 1)
		return NEIGH_IGNORED; /* nobody's address */
	if (memcmp(a + 8, n->mac, 6) == 0 || memcmp(p->mac_src, n->mac, 6) == 0)
		return NEIGH_IGNORED; /* our own, seen again */
	sender = addr_v4(a + 14);
	target = addr_v4(a + 24);
	/* A probe's sender is 0.0.0.0; it claims its target. */
	if (memcmp(a + 14, none, 4) == 0 && a[7] == 1) {
		if (neigh_is_ours(w, &target))
			neigh_remember(n, &target, NEIGH_CLAIMED, now_ns);
		return NEIGH_IGNORED;
	}
	if (neigh_is_ours(w, &sender))
		neigh_remember(n, &sender, NEIGH_CLAIMED, now_ns);
	if (a[7] != 1 || !neigh_is_ours(w, &target) || addr_eq(&sender, &target))
		return NEIGH_IGNORED;
	v = neigh_question(n, &target, now_ns);
	if (v == NEIGH_ANSWERED)
		*len = neigh_arp_write(n, p, 2, a + 24, a + 8, a + 14, p->mac_src, out);
	else if (v == NEIGH_PROBED)
		*len = neigh_arp_write(n, p, 1, none, none, a + 24, broadcast, out);
	return v;
}

/* A neighbour message from src to dst about target, with our link-layer address where the RFC wants
 * it. */
static size_t neigh_nd_write(const struct neigh *n, const struct pkt *p, uint8_t type,
			     const struct addr *src, const struct addr *dst, const uint8_t *mac,
			     const struct addr *target, uint8_t *out)
{
	bool na = type == ICMP6_NA;
	/* A question without the asker's link-layer address (RFC 4861 section 7.2.4: it asked us
	 * alone) is answered without ours: an answer is never longer than the question. */
	bool opt = na && p->l4_len >= ND_BYTES + ND_OPT;
	size_t icmp_len = ND_BYTES + (opt ? ND_OPT : 0), at;
	uint8_t *ip, *icmp;
	struct link l;
	uint16_t sum;

	link_of(&l, p);
	memcpy(l.dst, mac, 6);
	memcpy(l.src, n->mac, 6);
	at = link_write(&l, 0x86dd, out);
	ip = out + at;
	icmp = ip + 40;
	memset(ip, 0, 40 + icmp_len);
	ip[0] = 0x60;
	ip[5] = (uint8_t)icmp_len;
	ip[6] = 58;
	ip[7] = 255; /* RFC 4861 section 7.1: anything less has crossed a router */
	memcpy(ip + 8, src->b, 16);
	memcpy(ip + 24, dst->b, 16);
	icmp[0] = type;
	memcpy(icmp + 8, target->b, 16);
	if (na) {
		icmp[4] = 0x40; /* solicited, not override: a real owner's advertisement wins */
	}
	if (opt) {
		icmp[24] = 2;
		icmp[25] = 1;
		memcpy(icmp + 26, n->mac, 6);
	}
	sum = cksum_fold(cksum_add(cksum_pseudo(src, dst, 58, (uint32_t)icmp_len), icmp, icmp_len));
	memcpy(icmp + 2, &sum, 2);
	return at + 40 + icmp_len;
}

enum neigh_verdict neigh_icmp6(struct neigh *n, const struct watch *w, const struct pkt *p,
			       uint64_t now_ns, uint8_t *out, size_t *len)
{
	static const uint8_t zero[16];
	const uint8_t *icmp = p->frame + p->l4_off;
	bool unspecified = memcmp(p->src.b, zero, 16) == 0;
	struct addr target;
	enum neigh_verdict v;

	*len = 0;
	if (p->l4_len < ND_BYTES || p->l4_off + ND_BYTES > p->caplen || p->ttl != 255 ||
	    icmp[1] != 0 || !p->mac_src || p->mac_src[0] & 1 || p->src.b[0] == 0xff ||
	    memcmp(p->mac_src, n->mac, 6) == 0 || pkt_cksum(p) == CKSUM_BAD)
		return NEIGH_IGNORED;
	target = addr_v6(icmp + 8);
	if (icmp[0] == ICMP6_NA || unspecified) {
		if (neigh_is_ours(w, &target))
			neigh_remember(n, &target, NEIGH_CLAIMED, now_ns);
		return NEIGH_IGNORED;
	}
	if (neigh_is_ours(w, &p->src))
		neigh_remember(n, &p->src, NEIGH_CLAIMED, now_ns);
	/* What is cut short may claim, but is no question: it is shorter than its answer might
	 * be. */
	if (icmp[0] != ICMP6_NS || p->l4_off + p->l4_len > p->caplen || !neigh_is_ours(w, &target))
		return NEIGH_IGNORED;
	v = neigh_question(n, &target, now_ns);
	if (v == NEIGH_ANSWERED) {
		*len = neigh_nd_write(n, p, ICMP6_NA, &target, &p->src, p->mac_src, &target, out);
	} else if (v == NEIGH_PROBED) {
		/* To the target's solicited-node group, RFC 4291 section 2.7.1. */
		struct addr any = addr_v6(zero), group = any;
		uint8_t mac[6] = {0x33, 0x33, 0xff, target.b[13], target.b[14], target.b[15]};

		memcpy(group.b, "\xff\2\0\0\0\0\0\0\0\0\0\1\xff", 13);
		memcpy(group.b + 13, target.b + 13, 3);
		*len = neigh_nd_write(n, p, ICMP6_NS, &any, &group, mac, &target, out);
	}
	return v;
}
