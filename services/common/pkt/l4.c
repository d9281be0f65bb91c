/*
 * l4: TCP (RFC 9293), UDP (RFC 768), ICMP, ICMPv6, and SCTP as far as its ports.
 */
#include <netinet/in.h>

#include "pkt/be.h"
#include "pkt/decode.h"

/* carries: the transport header takes hdr of wire bytes; the rest is payload. */
static void carries(struct pkt *p, uint32_t at_hand, uint32_t wire, uint32_t hdr)
{
	p->stop = PKT_L4;
	p->payload = p->frame + p->l4_off + hdr;
	p->payload_len = at_hand - hdr;
	p->payload_wire = wire - hdr;
}

static void tcp(struct pkt *p, const uint8_t *h, uint32_t at_hand)
{
	if (at_hand < 20)
		return;
	uint32_t hdr = (h[12] >> 4) * 4u;
	if (hdr < 20 || hdr > p->l4_len) {
		p->stop = PKT_BROKEN;
		return;
	}
	if (hdr > at_hand)
		return;
	p->sport = be16(h);
	p->dport = be16(h + 2);
	p->seq = be32(h + 4);
	p->ack = be32(h + 8);
	p->flags = h[13];
	p->win = be16(h + 14);
	p->urg = be16(h + 18);
	p->opt = h + 20;
	p->opt_len = (uint8_t)(hdr - 20);
	carries(p, at_hand, p->l4_len, hdr);
}

static void udp(struct pkt *p, const uint8_t *h, uint32_t at_hand)
{
	if (at_hand < 8)
		return;
	uint32_t len = be16(h + 4);
	/* 0 means by the IP length (RFC 2675, and segmentation offload); more than there is, too.
	 */
	if (!len || len > p->l4_len)
		len = p->l4_len;
	if (len < 8) {
		p->stop = PKT_BROKEN;
		return;
	}
	p->sport = be16(h);
	p->dport = be16(h + 2);
	carries(p, at_hand < len ? at_hand : len, len, 8);
}

void decode_l4(struct pkt *p)
{
	/* The IP header lies within caplen, so this does not wrap. */
	uint32_t at_hand = p->caplen - p->l4_off;
	const uint8_t *h = p->frame + p->l4_off;

	if (at_hand > p->l4_len)
		at_hand = p->l4_len;
	p->stop = PKT_IP;
	switch (p->proto) {
	case IPPROTO_TCP:
		tcp(p, h, at_hand);
		return;
	case IPPROTO_UDP:
		udp(p, h, at_hand);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (at_hand < 8)
			return;
		p->sport = h[0];
		p->dport = h[1];
		carries(p, at_hand, p->l4_len, 8);
		return;
	case IPPROTO_SCTP:
		if (at_hand < 12)
			return;
		p->sport = be16(h);
		p->dport = be16(h + 2);
		carries(p, at_hand, p->l4_len, 12);
		return;
	}
}

void tcp_opts_read(const uint8_t *opt, uint8_t len, struct tcp_opts *out)
{
	enum {
		KIND_EOL,
		KIND_NOP,
		KIND_MSS,
		KIND_WSCALE,
		KIND_SACK_OK,
		KIND_TS = 8,
		KIND_FASTOPEN = 34
	};

	*out = (struct tcp_opts){0};
	for (uint8_t i = 0; i < len;) {
		uint8_t kind = opt[i];
		if (out->nkinds < sizeof out->kinds)
			out->kinds[out->nkinds++] = kind;
		if (kind == KIND_EOL)
			return;
		if (kind == KIND_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || opt[i + 1] < 2 || opt[i + 1] > len - i) {
			out->broken = true;
			return;
		}
		uint8_t n = opt[i + 1];
		const uint8_t *v = opt + i + 2;
		if (kind == KIND_MSS && n == 4) {
			out->has_mss = true;
			out->mss = be16(v);
		} else if (kind == KIND_WSCALE && n == 3) {
			out->has_wscale = true;
			out->wscale = *v;
		} else if (kind == KIND_SACK_OK && n == 2) {
			out->sack_ok = true;
		} else if (kind == KIND_TS && n == 10) {
			out->has_ts = true;
			out->ts_val = be32(v);
			out->ts_ecr = be32(v + 4);
		} else if (kind == KIND_FASTOPEN) {
			out->has_fastopen = true;
			out->fastopen_len = (uint8_t)(n - 2);
		}
		i = (uint8_t)(i + n);
	}
}
