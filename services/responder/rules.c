#include "responder/rules.h"

#include <errno.h>

/* More ranges than this are left to the core: a socket filter has a bounded length. */
#define FILTER_RANGES 16

static int state(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

static void net_text(const struct net *n, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	addr_text(&n->addr, text);
	buf_addf(out, "%s/%u", text, n->bits);
}

/* Comma-separated members of one family; returns how many. */
static size_t nets(const struct watch *w, uint8_t family, struct buf *out)
{
	size_t k = 0;

	for (size_t i = 0; i < w->nets; i++) {
		if (w->net[i].addr.family != family)
			continue;
		if (k++)
			buf_adds(out, ", ");
		net_text(&w->net[i], out);
	}
	return k;
}

static size_t owns(const struct watch *w, uint8_t family, struct buf *out)
{
	char text[ADDR_TEXT_MAX];
	size_t k = 0;

	for (size_t i = 0; i < w->owns; i++) {
		if (w->own[i].family != family)
			continue;
		if (k++)
			buf_adds(out, ", ");
		addr_text(&w->own[i], text);
		buf_adds(out, text);
	}
	return k;
}

static size_t ports(const struct portset *s, struct buf *out)
{
	uint16_t lo, hi;
	size_t k = 0;

	for (uint32_t from = 0; portset_next(s, from, &lo, &hi); from = hi + 1U) {
		if (k++)
			buf_adds(out, ", ");
		if (lo == hi)
			buf_addf(out, "%u", lo);
		else
			buf_addf(out, "%u-%u", lo, hi);
	}
	return k;
}

static bool family_has(const struct watch *w, uint8_t family)
{
	for (size_t i = 0; i < w->nets; i++)
		if (w->net[i].addr.family == family)
			return true;
	return false;
}

static const char *ip_name(uint8_t family)
{
	return family == 4 ? "ip" : "ip6";
}

/* The watched networks; and the operator's way in stays open on the host's own addresses. */
static void nft_family(const struct watch *w, uint8_t family, struct buf *out)
{
	size_t start = out->n;

	buf_addf(out, "add rule inet lurker arriving %s daddr { ", ip_name(family));
	if (owns(w, family, out)) {
		buf_adds(out, " } tcp dport { ");
		if (ports(&w->host_ports, out)) {
			buf_adds(out, " } accept\n");
			start = out->n;
		}
	}
	out->n = start; /* a rule with an empty set is no rule */

	if (!family_has(w, family))
		return;
	buf_addf(out,
		 "add set inet lurker watched%u { type ipv%u_addr; flags interval; auto-merge; }\n",
		 family, family);
	buf_addf(out, "add element inet lurker watched%u { ", family);
	nets(w, family, out);
	buf_adds(out, " }\n");
}

/* what: which packets of TCP, as nft says it. */
static void nft_drop(const struct watch *w, const char *chain, const char *iface, uint8_t family,
		     const char *what, struct buf *out)
{
	if (family_has(w, family))
		buf_addf(out,
			 "add rule inet lurker %s iifname \"%s\" %s daddr @watched%u %s counter "
			 "drop\n",
			 chain, iface, ip_name(family), family, what);
}

static void nft_leaving(const struct watch *w, const char *iface, uint8_t family, struct buf *out)
{
	if (family_has(w, family))
		buf_addf(out,
			 "add rule inet lurker leaving oifname \"%s\" %s saddr @watched%u %s "
			 "counter drop\n",
			 iface, ip_name(family), family,
			 family == 4 ? "icmp type destination-unreachable"
				     : "icmpv6 type destination-unreachable");
}

static void nft_excluded(const struct watch *w, const char *chain, struct buf *out)
{
	size_t start = out->n;

	buf_addf(out, "add rule inet lurker %s tcp dport { ", chain);
	if (ports(&w->excluded, out))
		buf_adds(out, " } accept\n");
	else
		out->n = start;
}

int rules_nft(const struct watch *w, const char *iface, bool bridge, struct buf *out)
{
	static const uint8_t families[] = {4, 6};
	const char *every = "meta l4proto tcp";

	buf_adds(out, "add table inet lurker { flags owner; }\n");
	/* With br_netfilter (Docker loads it) prerouting sees a bridge's packets before the bridge's own taps
	 * do: dropped there, neither capture nor we would get them. So on a bridge the drop comes later. */
	buf_addf(out,
		 "add chain inet lurker arriving { type filter hook %s priority raw; policy "
		 "accept; }\n",
		 bridge ? "input" : "prerouting");
	buf_adds(out, "add chain inet lurker leaving { type filter hook output priority raw; "
		      "policy accept; }\n");
	nft_excluded(w, "arriving", out);
	for (size_t i = 0; i < 2; i++) {
		nft_family(w, families[i], out);
		/* A SYN belongs to no connection yet. Floods are made of it, and looking for a socket costs more than
		 * the rest of these rules. */
		nft_drop(w, "arriving", iface, families[i],
			 "tcp flags & (fin | syn | rst | ack) == syn", out);
		nft_leaving(w, iface, families[i], out);
	}
	/* What belongs to a connection of the host's own, outbound ones included. */
	buf_adds(out, "add rule inet lurker arriving meta l4proto tcp socket wildcard 0 accept\n");
	for (size_t i = 0; i < 2; i++)
		nft_drop(w, "arriving", iface, families[i], every, out);
	if (!bridge)
		return state(out);
	/* What is routed on never belongs to a socket of ours. */
	buf_adds(out, "add chain inet lurker passing { type filter hook forward priority raw; "
		      "policy accept; }\n");
	nft_excluded(w, "passing", out);
	for (size_t i = 0; i < 2; i++)
		nft_drop(w, "passing", iface, families[i], every, out);
	return state(out);
}

static void filter_dst(const struct watch *w, uint8_t family, struct buf *out)
{
	size_t k = 0;

	buf_adds(out, "(");
	for (size_t i = 0; i < w->nets; i++) {
		if (w->net[i].addr.family != family)
			continue;
		if (k++)
			buf_adds(out, " or ");
		buf_adds(out, "dst net ");
		net_text(&w->net[i], out);
	}
	buf_adds(out, ")");
}

static void filter_level(const struct watch *w, bool arp, bool icmp, struct buf *out)
{
	uint16_t lo, hi;
	size_t k = 0;

	buf_adds(out, "(");
	if (arp)
		buf_adds(out, "arp or (ip6 and ip6[6] = 58 and dst net ff02::/16) or ");
	buf_adds(out, "((");
	if (family_has(w, 4)) {
		buf_addf(out, "(ip and (tcp%s) and ", icmp ? " or icmp" : "");
		filter_dst(w, 4, out);
		buf_adds(out, ")");
	}
	if (family_has(w, 6)) {
		if (family_has(w, 4))
			buf_adds(out, " or ");
		/* TCP, or an extension header behind which it may be (RFC 8200 section 4), or
		 * ICMPv6. */
		buf_adds(out, "(ip6 and (ip6[6] = 6 or ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or "
			      "ip6[6] = 51 or ip6[6] = 60 or ip6[6] = 135");
		if (icmp || arp)
			buf_adds(out, " or ip6[6] = 58");
		buf_adds(out, ") and ");
		filter_dst(w, 6, out);
		buf_adds(out, ")");
	}
	buf_adds(out, ")");
	for (uint32_t from = 0; k < FILTER_RANGES && portset_next(&w->excluded, from, &lo, &hi);
	     from = hi + 1U)
		buf_addf(out, "%s tcp dst portrange %u-%u", k++ ? " or" : " and not (", lo, hi);
	buf_adds(out, k ? ")))" : "))");
}

int rules_filter(const struct watch *w, bool arp, bool icmp, struct buf *out)
{
	/* The kernel takes the outermost tag off before the filter runs; up to two more may be
	 * there. `vlan` shifts what follows it by one tag. */
	filter_level(w, arp, icmp, out);
	buf_adds(out, " or (vlan and (");
	filter_level(w, arp, icmp, out);
	buf_adds(out, " or (vlan and ");
	filter_level(w, arp, icmp, out);
	buf_adds(out, ")))");
	return state(out);
}
