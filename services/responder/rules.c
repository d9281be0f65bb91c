#include "responder/rules.h"

#include <errno.h>

/* More ranges than this are left to the core: a socket filter has a bounded length. */
#define FILTER_RANGES 16

static const uint8_t families[] = {4, 6};
static const char every[] = "meta l4proto tcp";

static int rules_nft_state(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

static void rules_net_text(const struct net *n, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	addr_text(&n->addr, text);
	buf_addf(out, "%s/%u", text, n->bits);
}

/* Comma-separated members of one family; returns how many. */
static size_t rules_nft_nets(const struct watch *w, uint8_t family, struct buf *out)
{
	size_t k = 0;

	for (size_t i = 0; i < w->nets; i++) {
		if (w->net[i].addr.family != family)
			continue;
		if (k++)
			buf_adds(out, ", ");
		rules_net_text(&w->net[i], out);
	}
	return k;
}

static size_t rules_nft_owns(const struct watch *w, uint8_t family, struct buf *out)
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

static size_t rules_nft_ports(const struct portset *s, struct buf *out)
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

static bool rules_has_family(const struct watch *w, uint8_t family)
{
	for (size_t i = 0; i < w->nets; i++)
		if (w->net[i].addr.family == family)
			return true;
	return false;
}

static const char *rules_ip_name(uint8_t family)
{
	return family == 4 ? "ip" : "ip6";
}

/* A set of the watched networks of a family. */
static void rules_nft_watched(const struct watch *w, uint8_t family, struct buf *out)
{
	if (!rules_has_family(w, family))
		return;
	buf_addf(out,
		 "add set inet lurker watched%u { type ipv%u_addr; flags interval; auto-merge; }\n",
		 family, family);
	buf_addf(out, "add element inet lurker watched%u { ", family);
	rules_nft_nets(w, family, out);
	buf_adds(out, " }\n");
}

/* what: which packets of TCP, as nft says it. */
static void rules_nft_drop(const struct watch *w, const char *chain, const char *iface,
			   const char *what, struct buf *out)
{
	for (size_t i = 0; i < 2; i++)
		if (rules_has_family(w, families[i]))
			buf_addf(out,
				 "add rule inet lurker %s iifname \"%s\" %s daddr @watched%u %s "
				 "counter drop\n",
				 chain, iface, rules_ip_name(families[i]), families[i], what);
}

/* A rule with an empty set is no rule. */
static void rules_nft_excluded(const struct watch *w, const char *chain, struct buf *out)
{
	size_t start = out->n;

	buf_addf(out, "add rule inet lurker %s tcp dport { ", chain);
	if (rules_nft_ports(&w->excluded, out))
		buf_adds(out, " } accept\n");
	else
		out->n = start;
}

/* What comes for the host's own addresses: to the given ports, or NULL for all of it. */
static void rules_nft_own(const struct watch *w, const char *chain, const struct portset *to,
			  struct buf *out)
{
	for (size_t i = 0; i < 2; i++) {
		size_t start = out->n;
		bool some;

		buf_addf(out, "add rule inet lurker %s %s daddr { ", chain,
			 rules_ip_name(families[i]));
		some = rules_nft_owns(w, families[i], out);
		if (to) {
			buf_adds(out, " } tcp dport { ");
			some = rules_nft_ports(to, out) && some;
		}
		buf_adds(out, " } accept\n");
		if (!some)
			out->n = start;
	}
}

static void rules_nft_chain(const char *name, const char *hook, const char *priority,
			    struct buf *out)
{
	buf_addf(out,
		 "add chain inet lurker %s { type filter hook %s priority %s; policy accept; }\n",
		 name, hook, priority);
}

/* The operator's ports. */
static void rules_nft_host(const struct watch *w, const char *chain, struct buf *out)
{
	rules_nft_excluded(w, chain, out);
	rules_nft_own(w, chain, &w->host_ports, out);
}

/* A SYN belongs to no connection yet. Floods are made of it, and looking for a socket costs more
 * than the rest of these rules. */
static void rules_nft_syns(const struct watch *w, const char *chain, const char *iface,
			   struct buf *out)
{
	rules_nft_drop(w, chain, iface, "tcp flags & (fin | syn | rst | ack) == syn", out);
}

/* A segment of one of the host's own connections is accepted, outbound ones included; the rest is
 * dropped. `socket wildcard` matches no connection that the host has closed first: the kernel keeps
 * those as small timewait sockets (FIN_WAIT2 and TIME_WAIT), which only `socket transparent` knows.
 * Without them the peer's FIN would be lost and the peer would stay in LAST_ACK. A socket that
 * listens on any address is no connection. */
static void rules_nft_rest(const struct watch *w, const char *chain, const char *iface,
			   struct buf *out)
{
	rules_nft_drop(w, chain, iface, "meta l4proto tcp socket wildcard 1", out);
	buf_addf(out, "add rule inet lurker %s meta l4proto tcp socket transparent 0 accept\n",
		 chain);
	rules_nft_drop(w, chain, iface, every, out);
}

static void rules_nft_leaving(const struct watch *w, const char *iface, struct buf *out)
{
	/* But what path MTU discovery lives on: the host may forward for others (RFC 1191). */
	static const char *const unreachable[] = {
		"icmp type destination-unreachable icmp code != 4",
		"icmpv6 type destination-unreachable"};

	rules_nft_chain("leaving", "output", "raw", out);
	for (size_t i = 0; i < 2; i++)
		if (rules_has_family(w, families[i]))
			buf_addf(out,
				 "add rule inet lurker leaving oifname \"%s\" %s saddr @watched%u "
				 "%s counter drop\n",
				 iface, rules_ip_name(families[i]), families[i], unreachable[i]);
}

/* A host that forwards gets, at its own addresses, what belongs to connections of those behind it
 * (containers, masqueraded). Whose a segment is, only connection tracking knows, which comes after
 * raw; NAT comes later still, so that no port the host forwards meets half a conversation of
 * ours. */
static void rules_nft_forwards(const struct watch *w, const char *iface, struct buf *out)
{
	rules_nft_own(w, "arriving", NULL, out);
	rules_nft_chain("tracked", "prerouting", "mangle", out);
	rules_nft_host(w, "tracked", out);
	buf_adds(out, "add rule inet lurker tracked meta l4proto tcp ct state established,related "
		      "accept\n");
	rules_nft_rest(w, "tracked", iface, out);
}

int rules_nft(const struct watch *w, const char *iface, struct rules_host host, struct buf *out)
{
	buf_adds(out, "add table inet lurker { flags owner; }\n");
	for (size_t i = 0; i < 2; i++)
		rules_nft_watched(w, families[i], out);
	/* With br_netfilter (Docker loads it) prerouting sees a bridge's packets before the
	 * bridge's own taps
	 * do: dropped there, neither capture nor we would get them. So on a bridge the drop comes
	 * later. */
	rules_nft_chain("arriving", host.bridge ? "input" : "prerouting", "raw", out);
	rules_nft_host(w, "arriving", out);
	rules_nft_syns(w, "arriving", iface, out);
	if (host.forwards && !host.bridge)
		rules_nft_forwards(w, iface, out);
	rules_nft_rest(w, "arriving", iface, out);
	if (host.bridge) {
		/* What is routed on never belongs to a socket of ours. */
		rules_nft_chain("passing", "forward", "raw", out);
		rules_nft_excluded(w, "passing", out);
		rules_nft_drop(w, "passing", iface, every, out);
	}
	rules_nft_leaving(w, iface, out);
	return rules_nft_state(out);
}

static void rules_filter_dst(const struct watch *w, uint8_t family, struct buf *out)
{
	size_t k = 0;

	buf_adds(out, "(");
	for (size_t i = 0; i < w->nets; i++) {
		if (w->net[i].addr.family != family)
			continue;
		if (k++)
			buf_adds(out, " or ");
		buf_adds(out, "dst net ");
		rules_net_text(&w->net[i], out);
	}
	buf_adds(out, ")");
}

static void rules_filter_level(const struct watch *w, bool arp, bool icmp, struct buf *out)
{
	uint16_t lo, hi;
	size_t k = 0;

	buf_adds(out, "(");
	if (arp)
		buf_adds(out, "arp or (ip6 and ip6[6] = 58 and dst net ff02::/16) or ");
	buf_adds(out, "((");
	if (rules_has_family(w, 4)) {
		buf_addf(out, "(ip and (tcp%s) and ", icmp ? " or icmp" : "");
		rules_filter_dst(w, 4, out);
		buf_adds(out, ")");
	}
	if (rules_has_family(w, 6)) {
		if (rules_has_family(w, 4))
			buf_adds(out, " or ");
		/* TCP, or an extension header behind which it may be (RFC 8200 section 4), or
		 * ICMPv6. */
		buf_adds(out, "(ip6 and (ip6[6] = 6 or ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or "
			      "ip6[6] = 51 or ip6[6] = 60 or ip6[6] = 135");
		if (icmp || arp)
			buf_adds(out, " or ip6[6] = 58");
		buf_adds(out, ") and ");
		rules_filter_dst(w, 6, out);
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
	rules_filter_level(w, arp, icmp, out);
	buf_adds(out, " or (vlan and (");
	rules_filter_level(w, arp, icmp, out);
	buf_adds(out, " or (vlan and ");
	rules_filter_level(w, arp, icmp, out);
	buf_adds(out, ")))");
	return rules_nft_state(out);
}
