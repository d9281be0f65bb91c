/*
 * Any frames that speak of neighbours: an address is answered for only when it is watched and not
 * the host's own, was asked for on the link long enough before, and nobody was heard with it since;
 * the answer goes to who asked, is no longer than the question, and everything stays inside its
 * buffer.
 *
 * Input: records of  time step (0.1 s) | length | frame.
 * Where the step is odd, a wrong ICMPv6 checksum is corrected.
 */
#include <stdlib.h>
#include <string.h>

#include "pkt/be.h"
#include "responder/neigh.h"

#define KNOWN 64

static const uint8_t ours[6] = {2, 0, 0, 0, 0, 1}, key[16] = {7};

/* When an address was last asked for by us, and last heard of as somebody's; 0: never. */
static struct known {
	struct addr a;
	uint64_t probed_ns, claimed_ns;
} known[KNOWN];
static size_t nknown;

static void must(bool good)
{
	if (!good)
		abort();
}

static struct known *of(const struct addr *a)
{
	for (size_t i = 0; i < nknown; i++)
		if (addr_eq(&known[i].a, a))
			return &known[i];
	if (nknown == KNOWN)
		return NULL;
	known[nknown] = (struct known){.a = *a};
	return &known[nknown++];
}

static bool is_arp(const struct pkt *p)
{
	return p->stop == PKT_ARP;
}

/* Whether p says that somebody has an address, and which: the sender of ARP, or who advertises
 * one. */
static bool claims(const struct pkt *p, struct addr *a)
{
	const uint8_t *arp = p->frame + 14 + 4 * (size_t)p->tags, *icmp = p->frame + p->l4_off;
	if (!p->mac_src || memcmp(p->mac_src, ours, 6) == 0 || p->mac_src[0] & 1)
		return false;
	if (is_arp(p)) {
		if (p->caplen < 14 + 4u * p->tags + 28 || memcmp(arp, "\0\1\10\0\6\4\0", 7) != 0 ||
		    memcmp(arp + 8, ours, 6) == 0 || arp[8] & 1)
			return false;
		*a = addr_v4(arp + 14);
		return true;
	}
	if (p->l4_len < 24 || p->l4_off + 24 > p->caplen || icmp[0] != 136 || icmp[1] != 0 ||
	    p->ttl != 255 || p->src.b[0] == 0xff || pkt_cksum(p) == CKSUM_BAD)
		return false;
	*a = addr_v6(icmp + 8);
	return true;
}

static void put_sum_right(uint8_t *frame, const struct pkt *p)
{
	uint8_t *icmp = frame + p->l4_off;
	memset(icmp + 2, 0, 2);
	uint16_t sum = cksum_fold(
		cksum_add(cksum_pseudo(&p->src, &p->dst, 58, p->l4_len), icmp, p->l4_len));
	memcpy(icmp + 2, &sum, 2);
}

static void one(struct neigh *n, const struct watch *w, const struct pkt *p, uint64_t now_ns)
{
	uint8_t *out = malloc(128); /* its end is guarded */
	struct addr a;
	struct pkt said;
	struct known *k;
	size_t len;

	must(out);
	/* Not before the answer: a packet may be both. */
	bool claimed = claims(p, &a);
	enum neigh_verdict v = is_arp(p) ? neigh_arp(n, w, p, now_ns, out, &len)
					 : neigh_icmp6(n, w, p, now_ns, out, &len);
	if (claimed && (k = of(&a)))
		k->claimed_ns = now_ns;
	must((len != 0) == (v == NEIGH_PROBED || v == NEIGH_ANSWERED) && len <= 128);
	if (len) {
		pkt_decode(1, out, (uint32_t)len, (uint32_t)len, &said);
		must(said.stop == p->stop && said.tags == p->tags &&
		     memcmp(said.mac_src, ours, 6) == 0);
		const uint8_t *at =
			out + (is_arp(p) ? 14 + 4 * (size_t)p->tags + (v == NEIGH_PROBED ? 24 : 14)
					 : said.l4_off + 8u);
		a = is_arp(p) ? addr_v4(at) : addr_v6(at);
		must(watch_addr(w, &a) && !watch_owns(w, &a));
		must(is_arp(p) || pkt_cksum(&said) == CKSUM_OK);
		k = of(&a);
		if (k && v == NEIGH_ANSWERED) {
			must(memcmp(out, p->mac_src, 6) == 0 && len <= p->caplen);
			must(k->probed_ns && now_ns - k->probed_ns >= NEIGH_PROBE_NS);
			must(k->claimed_ns < k->probed_ns);
		} else if (k) {
			k->probed_ns = now_ns;
		}
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct watch w;
	struct neigh n;
	uint64_t now_ns = UINT64_C(1000000000000);

	watch_init(&w);
	must(watch_add(&w, "203.0.113.0/28") == 0 && watch_add(&w, "2001:db8::/124") == 0);
	struct addr own = addr_v4((const uint8_t *)"\xcb\0\x71\1");
	must(watch_own(&w, &own) == 0 && neigh_init(&n, 8, ours, key) == 0);
	nknown = 0;
	while (size >= 2) {
		uint8_t step = data[0];
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		uint8_t *frame = malloc(len + 1); /* of its size, for the sanitizer */
		struct pkt p = {0};

		must(frame);
		memcpy(frame, data + 2, len);
		data += 2 + len;
		size -= 2 + len;
		now_ns += step * UINT64_C(100000000) + 1;
		pkt_decode(1, frame, (uint32_t)len, (uint32_t)len, &p);
		bool nd = p.stop == PKT_L4 && p.proto == 58 && (p.sport == 135 || p.sport == 136);
		if (nd && step & 1 && p.l4_len >= 24 && p.l4_off + p.l4_len <= p.caplen)
			put_sum_right(frame, &p);
		if (nd || is_arp(&p))
			one(&n, &w, &p, now_ns);
		free(frame);
	}
	neigh_fini(&n);
	return 0;
}
