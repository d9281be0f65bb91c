/*
 * pkt: the entry points of decoding, and the judgement on a transport checksum.
 */
#include "pkt/pkt.h"

#include <netinet/in.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/decode.h"

void pkt_decode(int linktype, const uint8_t *frame, uint32_t caplen, uint32_t len, struct pkt *p)
{
	uint64_t ts_ns = p->ts_ns;

	*p = (struct pkt){.frame = frame,
			  .caplen = caplen,
			  .len = len < caplen ? caplen : len,
			  .ts_ns = ts_ns};
	if (!caplen && !len) {
		p->stop = PKT_TICK;
		return;
	}
	p->stop = PKT_BROKEN;
	decode_link(linktype, p);
}

void pkt_decode_ip(const uint8_t *ip, uint32_t caplen, uint32_t len, struct pkt *p)
{
	uint64_t ts_ns = p->ts_ns;

	*p = (struct pkt){
		.frame = ip, .caplen = caplen, .len = len < caplen ? caplen : len, .ts_ns = ts_ns};
	decode_ip(p, 0);
}

/* has_source_route: an IPv6 routing header with segments left: the packet's destination is not the
 * one that the sender's checksum covers (RFC 8200 8.1). */
static bool has_source_route(const struct pkt *p)
{
	const uint8_t *h = p->frame + p->ip_off;
	uint8_t next = h[6];
	uint32_t at = 40;

	/* decode_ip walked the same chain, so every header here lies within ip_hdr_len. */
	while (at + 8 <= p->ip_hdr_len) {
		if (next == IPPROTO_ROUTING && h[at + 3])
			return true;
		uint32_t n = next == IPPROTO_AH         ? (h[at + 1] + 2u) * 4
			     : next == IPPROTO_FRAGMENT ? 8
							: (h[at + 1] + 1u) * 8;
		next = h[at];
		at += n;
	}
	return false;
}

enum cksum_state pkt_cksum(const struct pkt *p)
{
	const uint8_t *h = p->frame + p->l4_off;
	uint32_t len = p->l4_len;
	uint32_t field;

	switch (p->proto) {
	case IPPROTO_TCP:
		field = 16;
		break;
	case IPPROTO_UDP:
		field = 6;
		len = p->payload_wire + 8;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		field = 2;
		break;
	default:
		return CKSUM_UNKNOWN;
	}
	uint16_t sum;
	memcpy(&sum, h + field, sizeof sum);
	if (p->proto == IPPROTO_UDP && !sum)
		/* RFC 8200 8.1 wants one over IPv6, but for tunnels (RFC 6935). */
		return p->src.family == 4 ? CKSUM_NONE : CKSUM_BAD;
	if (p->caplen - p->l4_off < len)
		return CKSUM_UNKNOWN;
	if (p->src.family == 6 && p->ip_hdr_len > 40 && has_source_route(p))
		return CKSUM_UNKNOWN;
	uint64_t pseudo =
		p->proto == IPPROTO_ICMP ? 0 : cksum_pseudo(&p->src, &p->dst, p->proto, len);
	uint16_t left = cksum_fold(cksum_add(pseudo, h, len));
	/* 0 and 0xffff are the same number in one's complement. */
	if (!left || left == 0xffff)
		return CKSUM_OK;
	uint16_t partial = cksum_fold(pseudo) ^ 0xffff;
	if (p->proto != IPPROTO_ICMP && sum == partial && !p->summed)
		return CKSUM_PARTIAL;
	return CKSUM_BAD;
}
