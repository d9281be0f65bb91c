/*
 * ip: IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200, RFC 4302), fragments of both.
 */
#include "pkt/be.h"
#include "pkt/decode.h"

enum {
	PROTO_HOPOPT = 0,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140
};

/* More extension headers than any sender has a use for. */
#define MAX_EXTENSIONS 16

/* carried_on: the IP header ended at p->ip_off + p->ip_hdr_len; the rest is transport. */
static void carried_on(struct pkt *p)
{
	p->l4_off = p->ip_off + p->ip_hdr_len;
	p->l4_len = p->ip_len - p->ip_hdr_len;
	p->truncated = p->caplen - p->ip_off < p->ip_len;
	decode_l4(p);
}

/* ah_len: the length of the authentication header at off, or 0 if it does not fit. */
static uint32_t ah_len(const struct pkt *p, uint32_t off, uint32_t end)
{
	if (end < off || end - off < 12)
		return 0;
	uint32_t n = (p->frame[off + 1] + 2u) * 4;
	return n >= 12 && n <= end - off ? n : 0;
}

/* at_end: where reading must stop: what was captured, or the end of the IP packet. */
static uint32_t at_end(const struct pkt *p)
{
	uint32_t room = p->caplen - p->ip_off;
	return p->ip_off + (p->ip_len < room ? p->ip_len : room);
}

static void ip4(struct pkt *p, uint32_t off)
{
	const uint8_t *h = p->frame + off;
	uint32_t room = p->caplen - off;

	if (room < 20)
		return;
	uint32_t hdr = (h[0] & 15u) * 4;
	uint32_t total = be16(h + 2);
	/* A sender that leaves segmentation to its interface captures its own packets with length
	 * 0. */
	if (!total)
		total = p->len - off;
	if (hdr < 20 || hdr > room || total < hdr)
		return;
	p->ip_off = off;
	p->ip_len = total;
	p->ip_hdr_len = (uint16_t)hdr;
	p->tos = h[1];
	p->ip_id = be16(h + 4);
	uint16_t frag = be16(h + 6);
	p->df = frag & 0x4000;
	p->mf = frag & 0x2000;
	p->frag_off = (frag & 0x1fffu) * 8;
	p->ttl = h[8];
	p->proto = h[9];
	p->src = addr_v4(h + 12);
	p->dst = addr_v4(h + 16);
	if (p->mf || p->frag_off) {
		p->l4_off = off + hdr;
		p->l4_len = total - hdr;
		p->truncated = room < total;
		p->stop = PKT_FRAGMENT;
		return;
	}
	if (p->proto == PROTO_AH) {
		uint32_t n = ah_len(p, off + hdr, at_end(p));
		if (n) {
			p->proto = p->frame[off + hdr];
			p->ip_hdr_len = (uint16_t)(hdr + n);
		}
	}
	carried_on(p);
}

/* extension_len: the length of the extension header of kind next at off, or 0 if it does not fit.
 */
static uint32_t extension_len(const struct pkt *p, uint8_t next, uint32_t off, uint32_t end)
{
	if (next == PROTO_AH)
		return ah_len(p, off, end);
	if (end - off < 8)
		return 0;
	uint32_t n = (p->frame[off + 1] + 1u) * 8;
	return n <= end - off ? n : 0;
}

static void ip6(struct pkt *p, uint32_t off)
{
	const uint8_t *h = p->frame + off;
	uint32_t room = p->caplen - off;

	if (room < 40)
		return;
	uint32_t first = be32(h);
	uint32_t len = be16(h + 4);
	uint8_t next = h[6];
	p->ip_off = off;
	/* Length 0 is a jumbogram (RFC 2675) or left to the interface; the frame knows. */
	p->ip_len = len || next == PROTO_NONE ? len + 40 : p->len - off;
	p->tos = (uint8_t)(first >> 20);
	p->flow_label = first & 0xfffff;
	p->ttl = h[7];
	p->src = addr_v6(h + 8);
	p->dst = addr_v6(h + 24);

	uint32_t at = off + 40, end = at_end(p);
	for (int i = 0;; i++) {
		p->ip_hdr_len = (uint16_t)(at - off);
		p->proto = next;
		switch (next) {
		case PROTO_HOPOPT:
		case PROTO_ROUTING:
		case PROTO_DSTOPTS:
		case PROTO_AH:
		case PROTO_MOBILITY:
		case PROTO_HIP:
		case PROTO_SHIM6: {
			uint32_t n = extension_len(p, next, at, end);
			/* 65535 bytes of headers cannot fit a packet but for jumbograms. */
			if (!n || i >= MAX_EXTENSIONS || at - off + n > UINT16_MAX) {
				p->stop = PKT_BROKEN;
				return;
			}
			next = p->frame[at];
			at += n;
			continue;
		}
		case PROTO_FRAGMENT: {
			if (end - at < 8 || i >= MAX_EXTENSIONS) {
				p->stop = PKT_BROKEN;
				return;
			}
			const uint8_t *f = p->frame + at;
			uint16_t frag = be16(f + 2);
			next = f[0];
			at += 8;
			p->ip_id = be32(f + 4);
			p->mf = frag & 1;
			p->frag_off = frag & 0xfff8u;
			/* A fragment that is the whole is none (RFC 6946). */
			if (!p->mf && !p->frag_off)
				continue;
			p->proto = next;
			p->ip_hdr_len = (uint16_t)(at - off);
			p->l4_off = at;
			p->l4_len = p->ip_len - p->ip_hdr_len;
			p->truncated = room < p->ip_len;
			p->stop = PKT_FRAGMENT;
			return;
		}
		default:
			carried_on(p);
			return;
		}
	}
}

void decode_ip(struct pkt *p, uint32_t off)
{
	p->stop = PKT_BROKEN;
	if (off >= p->caplen)
		return;
	/* The version decides, not the EtherType: some senders get the latter wrong. */
	switch (p->frame[off] >> 4) {
	case 4:
		ip4(p, off);
		return;
	case 6:
		ip6(p, off);
		return;
	}
}
