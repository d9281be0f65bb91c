#include "flowagg/frag.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/siphash.h"

int frags_init(struct frags *s, const uint8_t seed[16])
{
	memcpy(s->seed, seed, sizeof s->seed);
	s->v = calloc(FRAG_PLACES, sizeof *s->v);
	return s->v ? 0 : -ENOMEM;
}

void frags_fini(struct frags *s)
{
	free(s->v);
	s->v = NULL;
}

static struct frag *frags_set_of(struct frags *s, const struct pkt *p)
{
	uint8_t b[40] = {0};

	memcpy(b, p->src.b, 16);
	memcpy(b + 16, p->dst.b, 16);
	memcpy(b + 32, &p->ip_id, 4);
	b[36] = p->proto;
	return &s->v[siphash24(b, sizeof b, s->seed) % (FRAG_PLACES / FRAG_WAYS) * FRAG_WAYS];
}

static struct frag *frags_in_set(struct frag *set, const struct pkt *p, uint64_t now)
{
	for (unsigned i = 0; i < FRAG_WAYS; i++) {
		struct frag *f = &set[i];
		if (f->used && f->id == p->ip_id && f->proto == p->proto &&
		    now - f->seen <= FRAG_LIFE_NS && addr_eq(&f->src, &p->src) &&
		    addr_eq(&f->dst, &p->dst))
			return f;
	}
	return NULL;
}

void frags_learn(struct frags *s, const struct pkt *p, const struct flowkey *flow, uint64_t now)
{
	struct frag *set = frags_set_of(s, p), *f = frags_in_set(set, p, now);

	if (!f) {
		f = set;
		for (unsigned i = 1; i < FRAG_WAYS; i++)
			if (f->used && (!set[i].used || set[i].seen < f->seen))
				f = &set[i];
	}
	*f = (struct frag){p->src, p->dst, p->ip_id, p->proto, 1, now, *flow};
}

bool frags_find(struct frags *s, const struct pkt *p, uint64_t now, struct flowkey *flow)
{
	struct frag *f = frags_in_set(frags_set_of(s, p), p, now);

	if (!f)
		return false;
	f->seen = now;
	*flow = f->flow;
	return true;
}

bool frag_ports(const struct pkt *p, struct pkt *out)
{
	const uint8_t *h = p->frame + p->l4_off;
	bool icmp = p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6;

	if (p->caplen < p->l4_off || p->caplen - p->l4_off < 4 || p->l4_len < 4)
		return false;
	if (!icmp && p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP && p->proto != IPPROTO_SCTP)
		return false;
	*out = *p;
	out->stop = PKT_L4;
	out->sport = icmp ? h[0] : (uint16_t)(h[0] << 8 | h[1]);
	out->dport = icmp ? h[1] : (uint16_t)(h[2] << 8 | h[3]);
	return true;
}
