/*
 * tunnel: the packet inside a packet: IP in IP (RFC 2003, 4213, 2473), GRE (RFC 2784, 2890; version
 * 1: RFC 2637) and VXLAN (RFC 7348).
 */
#include <netinet/in.h>

#include "pkt/be.h"
#include "pkt/decode.h"

#define VXLAN_PORT       4789
#define VXLAN_LINUX_PORT 8472 /* what Linux takes when nothing is said: it is older than the RFC */

/* inside: the inner packet, which begins at off of the outer frame and ends with it. */
static void inside(const struct pkt *p, uint32_t off, uint32_t end, struct pkt *inner)
{
	uint32_t wire_end = p->l4_off + p->l4_len;

	*inner = (struct pkt){.frame = p->frame + off,
			      .caplen = end - off,
			      .len = wire_end > off ? wire_end - off : end - off,
			      .ts_ns = p->ts_ns,
			      .stop = PKT_BROKEN};
}

static bool gre(const struct pkt *p, uint32_t end, struct pkt *inner)
{
	uint32_t off = p->l4_off;

	if (end - off < 4)
		return false;
	uint16_t flags = be16(p->frame + off);
	uint16_t type = be16(p->frame + off + 2);
	unsigned version = flags & 7;
	uint32_t hdr = 4;
	if (version > 1 || flags & 0x4000) /* source routes went with RFC 1701 */
		return false;
	hdr += flags & 0x8000 ? 4 : 0; /* checksum and reserved */
	hdr += flags & 0x2000 ? 4 : 0; /* key; of version 1: payload length and call ID */
	hdr += flags & 0x1000 ? 4 : 0; /* sequence number */
	hdr += version == 1 && flags & 0x0080 ? 4 : 0; /* acknowledgement number */
	if (end - off < hdr || end - off == hdr)
		return false;
	inside(p, off + hdr, end, inner);
	if (type == 0x6558) /* transparent Ethernet bridging */
		decode_link(1, inner);
	else if (type == 0x880b)
		decode_link(9, inner);
	else
		decode_ethertype(inner, 0, type);
	return true;
}

enum pkt_tunnel pkt_inner(const struct pkt *p, struct pkt *inner)
{
	uint32_t end;

	if (p->stop != PKT_IP && p->stop != PKT_L4)
		return PKT_TUNNEL_NONE;
	end = p->caplen - p->l4_off < p->l4_len ? p->caplen : p->l4_off + p->l4_len;
	switch (p->proto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		if (end == p->l4_off)
			return PKT_TUNNEL_NONE;
		inside(p, p->l4_off, end, inner);
		decode_ip(inner, 0);
		return PKT_TUNNEL_IPIP;
	case IPPROTO_GRE:
		return gre(p, end, inner) ? PKT_TUNNEL_GRE : PKT_TUNNEL_NONE;
	case IPPROTO_UDP:
		/* Flags with the I bit, 24 reserved bits, network identifier, reserved byte. */
		if (p->stop != PKT_L4 || (p->dport != VXLAN_PORT && p->dport != VXLAN_LINUX_PORT) ||
		    p->payload_len < 8 + 14 || (p->payload[0] & 0x08) == 0)
			return PKT_TUNNEL_NONE;
		inside(p, p->l4_off + 16, end, inner);
		decode_link(1, inner);
		return PKT_TUNNEL_VXLAN;
	}
	return PKT_TUNNEL_NONE;
}
