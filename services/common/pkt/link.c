/*
 * link: link headers, tags and what else may stand between a frame's first byte and its IP header.
 *
 * Link types: tcpdump.org/linktypes.html. Ethernet, PPP, cooked captures, raw IP, BSD loopback and
 * the pseudo links that carry an address family or an EtherType.
 */
#include "pkt/be.h"
#include "pkt/decode.h"
#include "pkt/linktype.h"

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_UP = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_QINQ_OLD2 = 0x9200,
	ETHERTYPE_TEB = 0x6558,    /* Ethernet inside GRE */
	ETHERTYPE_8023_MAX = 1500, /* up to here the field is a length */
};

static bool at_hand(const struct pkt *p, uint32_t off, uint32_t n)
{
	return off <= p->caplen && p->caplen - off >= n;
}

static void ppp(struct pkt *p, uint32_t off)
{
	uint16_t proto;

	/* Address and control field (RFC 1662) may be compressed away, and so may the protocol's
	 * first byte. */
	if (at_hand(p, off, 2) && p->frame[off] == 0xff && p->frame[off + 1] == 0x03)
		off += 2;
	if (!at_hand(p, off, 1))
		return;
	if (p->frame[off] & 1) {
		proto = p->frame[off];
		off += 1;
	} else {
		if (!at_hand(p, off, 2))
			return;
		proto = be16(p->frame + off);
		off += 2;
	}
	if (proto == 0x0021 || proto == 0x0057) {
		p->ethertype = proto == 0x0021 ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
		decode_ip(p, off);
	} else if (proto == 0x0281 || proto == 0x0283) {
		decode_ethertype(p, off, ETHERTYPE_MPLS);
	} else {
		p->stop = PKT_OTHER_L3;
	}
}

/* An 802.2 LLC header, as 802.3 frames have instead of an EtherType. */
static void llc(struct pkt *p, uint32_t off)
{
	const uint8_t *b = p->frame + off;

	p->stop = PKT_OTHER_L3;
	if (at_hand(p, off, 8) && b[0] == 0xaa && b[1] == 0xaa && b[2] == 0x03) {
		/* SNAP. Only EtherTypes under the encapsulated-Ethernet code; a length there would
		 * recurse. */
		uint16_t type = be16(b + 6);
		if (!b[3] && !b[4] && !b[5] && type > ETHERTYPE_8023_MAX)
			decode_ethertype(p, off + 8, type);
	} else if (at_hand(p, off, 3) && b[0] == 0x06 && b[1] == 0x06) {
		decode_ip(p, off + 3);
	}
}

static void mpls(struct pkt *p, uint32_t off)
{
	for (;;) {
		if (!at_hand(p, off, 4))
			return;
		bool bottom = p->frame[off + 2] & 1;
		off += 4;
		if (bottom)
			break;
	}
	if (!at_hand(p, off, 1))
		return;
	/* No label says what it carries; IP is told by its version (RFC 4928). */
	unsigned version = p->frame[off] >> 4;
	if (version == 4 || version == 6)
		decode_ip(p, off);
	else
		p->stop = PKT_OTHER_L3;
}

static bool is_tag(uint16_t type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD ||
	       type == ETHERTYPE_QINQ_OLD2;
}

void decode_ethertype(struct pkt *p, uint32_t off, uint16_t type)
{
	while (is_tag(type)) {
		if (!at_hand(p, off, 4))
			return;
		if (p->tags < PKT_MAX_TAGS)
			p->tag[p->tags++] = (uint32_t)type << 16 | be16(p->frame + off);
		type = be16(p->frame + off + 2);
		off += 4;
	}
	p->ethertype = type;
	switch (type) {
	case ETHERTYPE_IP4:
	case ETHERTYPE_IP6:
		decode_ip(p, off);
		return;
	case ETHERTYPE_ARP:
		p->stop = PKT_ARP;
		p->l4_off = off;
		return;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UP:
		mpls(p, off);
		return;
	case ETHERTYPE_PPPOE:
		/* RFC 2516: version/type, code, session, length; then PPP without address and
		 * control. */
		if (!at_hand(p, off, 6))
			return;
		if (p->frame[off + 1] != 0)
			p->stop = PKT_OTHER_L3;
		else
			ppp(p, off + 6);
		return;
	default:
		if (type <= ETHERTYPE_8023_MAX)
			llc(p, off);
		else
			p->stop = PKT_OTHER_L3;
	}
}

static void ethernet(struct pkt *p)
{
	if (!at_hand(p, 0, 14))
		return;
	p->mac_dst = p->frame;
	p->mac_src = p->frame + 6;
	decode_ethertype(p, 14, be16(p->frame + 12));
}

/* A loopback header holds the address family of the machine that captured, in its byte order or
 * (LINK_LOOP, LINK_ENC's first field) in network order; the values of IPv6 differ between systems.
 */
static void family(struct pkt *p, uint32_t header)
{
	if (!at_hand(p, 0, header))
		return;
	uint32_t af = be32(p->frame);
	if (af > 0xffff)
		af = __builtin_bswap32(af);
	switch (af) {
	case 2:
		p->ethertype = ETHERTYPE_IP4;
		break;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
	case 23: /* Windows */
		p->ethertype = ETHERTYPE_IP6;
		break;
	default:
		p->stop = PKT_OTHER_L3;
		return;
	}
	decode_ip(p, header);
}

/* Cooked captures: the protocol is an EtherType, or 4 for 802.2 (linux/if_ether.h, ETH_P_802_2). */
static void cooked(struct pkt *p, uint32_t header, uint32_t proto_at, uint32_t mac_len_at,
		   uint32_t mac_at)
{
	if (!at_hand(p, 0, header))
		return;
	uint16_t proto = be16(p->frame + proto_at);
	bool six = mac_len_at == 4 ? be16(p->frame + mac_len_at) == 6 : p->frame[mac_len_at] == 6;
	if (six)
		p->mac_src = p->frame + mac_at;
	if (proto == 4)
		llc(p, header);
	else if (proto > ETHERTYPE_8023_MAX)
		decode_ethertype(p, header, proto);
	else
		p->stop = PKT_OTHER_L3;
}

void decode_link(int linktype, struct pkt *p)
{
	switch (linktype) {
	case LINK_ETHERNET:
		ethernet(p);
		return;
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_IP4:
	case LINK_IP6:
		decode_ip(p, 0);
		return;
	case LINK_NULL:
	case LINK_LOOP:
		family(p, 4);
		return;
	case LINK_ENC: /* family, SPI, flags */
		family(p, 12);
		return;
	case LINK_SLL:
		cooked(p, 16, 14, 4, 6);
		return;
	case LINK_SLL2:
		cooked(p, 20, 0, 11, 12);
		return;
	case LINK_PPP:
	case LINK_PPP_HDLC:
		/* Cisco HDLC comes under the same link type; its address is 0x0f or 0x8f. */
		if (at_hand(p, 0, 4) && (p->frame[0] == 0x0f || p->frame[0] == 0x8f))
			decode_ethertype(p, 4, be16(p->frame + 2));
		else
			ppp(p, 0);
		return;
	case LINK_PPP_PPPD: /* a direction byte, then the control byte of PPP */
		if (at_hand(p, 0, 2))
			ppp(p, p->frame[1] == 0x03 ? 2 : 1);
		return;
	case LINK_C_HDLC:
		if (at_hand(p, 0, 4))
			decode_ethertype(p, 4, be16(p->frame + 2));
		return;
	case LINK_PPP_ETHER:
		decode_ethertype(p, 0, ETHERTYPE_PPPOE);
		return;
	default:
		p->stop = PKT_LINK;
	}
}
