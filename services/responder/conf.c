#include "responder/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rt/svc.h"

/* clang-format off */
#define AT(field) .offset = offsetof(struct conf, field)
#define INT(key, lo, hi, value, u, text) \
	{.name = #key, .type = OPT_INT, AT(key), .def = value, .min = lo, .max = hi, .unit = u, .help = text}

const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{.name = "interface", .flag = 'i', .type = OPT_STR, AT(interface),
	 .help = "interface to answer on (Ethernet-like); by default the one of the default route"},
	{.name = "networks", .flag = 'n', .type = OPT_LIST, AT(networks),
	 .help = "watched network in CIDR form or address, repeatable; by default the interface's "
		 "own addresses"},
	{.name = "exclude_ports", .flag = 'e', .type = OPT_LIST, AT(exclude_ports),
	 .help = "TCP port or range (22, 8000-8100) that is never answered and stays with the "
		 "host, repeatable"},
	{.name = "host_ports", .type = OPT_LIST, AT(host_ports), .def = "22",
	 .help = "TCP port or range that stays with the host on the host's own addresses only, so "
		 "that the operator is not locked out; none frees them all"},
	{.name = "arp", .flag = 'a', .type = OPT_BOOL, AT(arp), .def = "false",
	 .help = "answer ARP and neighbour solicitations for watched addresses that nobody owns"},
	{.name = "kernel_drop", .type = OPT_BOOL, AT(kernel_drop), .def = "true",
	 .help = "keep the host's own TCP silent on watched addresses and ports (nft table inet "
		 "lurker)"},
	{.name = "icmp_echo", .type = OPT_BOOL, AT(icmp_echo), .def = "false",
	 .help = "answer ICMP echo for watched addresses that are not the host's own"},
	{.name = "ring_bytes", .type = OPT_SIZE, AT(ring_bytes), .def = "16MiB",
	 .min = 1 << 20, .max = 1 << 30, .unit = "bytes", .help = "receive ring"},
	INT(source_rate, 0, 1000000000, "1000", "packets/s", "answers per unverified source (IPv6: "
							     "its /64); 0: no limit"),
	INT(source_burst, 1, 10000000, "10000", "packets", "answers to one source in a burst"),
	INT(prefix_rate, 0, 1000000000, "4000", "packets/s", "answers per /24 or /48; 0: no limit"),
	INT(prefix_burst, 1, 10000000, "40000", "packets", "answers to one prefix in a burst"),
	INT(total_rate, 0, 1000000000, "1000000", "packets/s",
	    "answers to all sources together; 0: no limit"),
	INT(shed_rate, 0, 1000000000, "5000", "packets/s", "SYNs of a prefix refused at this rate "
							   "make the kernel filter keep it out; 0: "
							   "never"),
	INT(buckets, 1024, 16777216, "65536", "sources", "token buckets for sources; a quarter as "
							 "many for prefixes"),
	INT(connections, 64, 4194304, "32768", "connections", "table of connections whose source "
							      "is verified"),
	{.name = "connection_bytes", .type = OPT_SIZE, AT(connection_bytes), .def = "64MiB",
	 .min = 1024, .max = 1 << 30, .unit = "bytes", .help = "stream bytes acknowledged per "
							       "connection, then a FIN"},
	INT(connection_idle_s, 1, 86400, "60", "s", "a connection silent for longer is forgotten"),
	INT(connection_evict_s, 0, 86400, "10", "s", "a connection silent for longer makes room "
						     "when the table is full"),
	INT(cookie_s, 10, 3600, "64", "s",
	    "time for which a key makes our sequence numbers; a key is valid twice as long"),
	INT(rst_tuples, 1024, 16777216, "65536", "tuples", "4-tuples remembered because they sent "
							   "a RST"),
	INT(rst_s, 1, 3600, "60", "s", "time for which a 4-tuple that sent a RST gets no answer"),
	INT(neighbours, 256, 1048576, "16384", "addresses", "addresses remembered as free or owned "
							    "(arp)"),
	INT(reflect_packets, 1, 1000000, "25", "packets", "reflection: least number of SYNs"),
	INT(reflect_min_s, 1, 3600, "60", "s", "reflection: least duration"),
	INT(reflect_per_min, 1, 1000000, "30", "packets/min", "reflection: least rate, over 60 s"),
	INT(reflect_ports, 1, 16, "16", "ports", "reflection: most destination ports"),
	INT(reflect_repeats, 1, 1000, "5", "packets", "reflection: SYNs per distinct target; "
						      "sweeps have one or a few"),
	INT(reflect_quiet_s, 10, 86400, "120", "s",
	    "reflection: ends after this time below the rate"),
	INT(victim_rsts, 0, 1000000, "20", "packets", "RSTs within 60 s that silence a prefix; 0: "
						      "off"),
	INT(victim_silence_s, 1, 86400, "300", "s",
	    "time for which a prefix is silenced after its RSTs"),
	INT(suspects, 64, 1048576, "1024", "prefixes", "prefixes followed by the reflection watch"),
	INT(verified, 1024, 16777216, "65536", "sources", "sources remembered as verified"),
	INT(verified_s, 1, 86400, "600", "s", "time for which a returned cookie proves a source"),
	{.name = "nudge", .type = OPT_BOOL, AT(nudge), .def = "false",
	 .help = "send a banner to verified clients that wait for the server to speak"},
	INT(nudge_ms, 10, 60000, "2000", "ms", "silence after which a banner is sent"),
	{.name = "nudge_banners", .type = OPT_LIST, AT(nudge_banners),
	 .help = "PORT=TEXT, with \\r \\n \\xHH: a banner in place of the built-in one, empty for "
		 "none"},
	INT(replies_per_s, 0, 1000000, "1000", "messages/s", "`reply` messages published at most; "
							     "the rest is counted"),
	{0},
};
/* clang-format on */

static struct addr conf_address(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return addr_v4(
			(const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	return addr_v6(
		(const uint8_t *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

static bool conf_has_address(const struct ifaddrs *i)
{
	return i->ifa_addr &&
	       (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

static bool conf_link_local(const struct addr *a)
{
	return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Without -n, the interface's addresses are watched. Link-local ones are for the host's own
 * business on the link. */
static int conf_watch_interface(const struct conf *c, const struct ifaddrs *all, struct watch *w,
				char *err, size_t errlen)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		char text[ADDR_TEXT_MAX];
		struct addr a;

		if (!conf_has_address(i) || strcmp(i->ifa_name, c->interface) != 0)
			continue;
		a = conf_address(i->ifa_addr);
		if (conf_link_local(&a))
			continue;
		addr_text(&a, text);
		if (watch_add(w, text) < 0) {
			snprintf(err, errlen,
				 "%s has more than %d addresses: name networks with -n",
				 c->interface, WATCH_NETS);
			return -ENOSPC;
		}
	}
	return 0;
}

/* The host's addresses: all that are watched, the others (there may be one for each container)
 * while there is room. */
static int conf_own_addresses(const struct ifaddrs *all, bool watched, struct watch *w, char *err,
			      size_t errlen)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct addr a;

		if (!conf_has_address(i))
			continue;
		a = conf_address(i->ifa_addr);
		if (watch_addr(w, &a) == watched && watch_own(w, &a) < 0 && watched) {
			snprintf(err, errlen,
				 "the host has more than %d addresses in the watched networks: "
				 "watch fewer with -n",
				 WATCH_OWN);
			return -ENOSPC;
		}
	}
	return 0;
}

static uint8_t conf_mask_bits(const struct sockaddr *mask)
{
	return (uint8_t)__builtin_popcount(
		((const struct sockaddr_in *)(const void *)mask)->sin_addr.s_addr);
}

/* The IPv4 subnets of the host's interfaces. There may be one for each container: those of the
 * interface that is watched come first. */
static void conf_attach(const struct conf *c, const struct ifaddrs *all, bool watched,
			struct watch *w)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct net n;

		if (!conf_has_address(i) || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask ||
		    (strcmp(i->ifa_name, c->interface) == 0) != watched)
			continue;
		n = (struct net){conf_address(i->ifa_addr), conf_mask_bits(i->ifa_netmask)};
		watch_attach(w, &n);
	}
}

static int conf_addresses(const struct conf *c, struct watch *w, char *err, size_t errlen)
{
	struct ifaddrs *all = NULL;
	int rc;

	if (getifaddrs(&all) < 0) {
		rc = -errno;
		snprintf(err, errlen, "listing addresses: %s", strerror(errno));
		return rc;
	}
	rc = c->networks.n ? 0 : conf_watch_interface(c, all, w, err, errlen);
	if (!rc)
		rc = conf_own_addresses(all, true, w, err, errlen);
	if (!rc)
		rc = conf_own_addresses(all, false, w, err, errlen);
	/* Last: an address that the host owns is watched, whatever its mask says. */
	conf_attach(c, all, true, w);
	conf_attach(c, all, false, w);
	freeifaddrs(all);
	return rc;
}

static int conf_ports(const struct opt_list *l, struct portset *s, const char *option, char *err,
		      size_t errlen)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], "none") != 0 && portset_add(s, l->v[i]) < 0) {
			snprintf(err, errlen,
				 "%s: \"%s\" is neither a port nor a range such as 8000-8100",
				 option, l->v[i]);
			return -EINVAL;
		}
	return 0;
}

int conf_watch(const struct conf *c, struct watch *w, char *err, size_t errlen)
{
	int rc;

	watch_init(w);
	for (size_t i = 0; i < c->networks.n; i++) {
		rc = watch_add(w, c->networks.v[i]);
		if (rc == -EINVAL)
			snprintf(err, errlen,
				 "networks: \"%s\" is not an address or network (192.0.2.0/24; no "
				 "bits beyond the prefix)",
				 c->networks.v[i]);
		else if (rc)
			snprintf(err, errlen, "networks: more than %d", WATCH_NETS);
		if (rc)
			return rc;
	}
	rc = conf_addresses(c, w, err, errlen);
	if (!rc)
		rc = conf_ports(&c->exclude_ports, &w->excluded, "exclude_ports", err, errlen);
	if (!rc)
		rc = conf_ports(&c->host_ports, &w->host_ports, "host_ports", err, errlen);
	if (!rc && !w->nets) {
		snprintf(err, errlen, "%s has no address to watch: name networks with -n",
			 c->interface);
		rc = -EINVAL;
	}
	return rc;
}

int conf_nudge(const struct conf *c, struct nudge *n, char *err, size_t errlen)
{
	nudge_defaults(n);
	for (size_t i = 0; i < c->nudge_banners.n; i++) {
		int rc = nudge_add(n, c->nudge_banners.v[i]);

		if (rc) {
			snprintf(err, errlen, "nudge_banners: \"%s\": %s", c->nudge_banners.v[i],
				 rc == -EFBIG    ? "too long"
				 : rc == -ENOSPC ? "one too many"
						 : "not PORT=TEXT");
			return rc;
		}
	}
	return 0;
}

static struct limit_rate conf_rate(int64_t per_s, int64_t burst)
{
	return (struct limit_rate){(uint32_t)per_s, (uint32_t)burst};
}

void conf_core(const struct conf *c, const struct interface_link *link, struct responder_conf *out)
{
	memset(out, 0, sizeof *out);
	/* What a host on the far side of an ordinary Internet path sees, even where our link takes
	 * more. */
	out->mtu = link->mtu > 1500 || link->mtu < 576 ? 1500 : link->mtu;
	memcpy(out->mac, link->mac, 6);
	out->source = conf_rate(c->source_rate, c->source_burst);
	out->prefix = conf_rate(c->prefix_rate, c->prefix_burst);
	out->total = conf_rate(c->total_rate, c->total_rate / 10 + 1);
	out->shed_rate = (uint64_t)c->shed_rate;
	out->buckets = (uint32_t)c->buckets;
	out->connections = (uint32_t)c->connections;
	out->connection_bytes = c->connection_bytes;
	out->idle_ns = (uint64_t)c->connection_idle_s * NS_PER_S;
	out->evict_ns = (uint64_t)c->connection_evict_s * NS_PER_S;
	out->cookie_ns = (uint64_t)c->cookie_s * NS_PER_S;
	out->rst_tuples = (uint32_t)c->rst_tuples;
	out->rst_ns = (uint64_t)c->rst_s * NS_PER_S;
	out->reflect = (struct reflect_conf){
		.packets = (uint32_t)c->reflect_packets,
		.min_ns = (uint64_t)c->reflect_min_s * NS_PER_S,
		.per_min = (uint32_t)c->reflect_per_min,
		.ports = (uint32_t)c->reflect_ports,
		.repeats = (uint32_t)c->reflect_repeats,
		.quiet_ns = (uint64_t)c->reflect_quiet_s * NS_PER_S,
		.rsts = (uint32_t)c->victim_rsts,
		.silence_ns = (uint64_t)c->victim_silence_s * NS_PER_S,
		.verified_ns = (uint64_t)c->verified_s * NS_PER_S,
	};
	out->suspects = (uint32_t)c->suspects;
	out->verified = (uint32_t)c->verified;
	out->arp = c->arp;
	out->icmp_echo = c->icmp_echo;
	out->neighbours = (uint32_t)c->neighbours;
	out->nudge_ns = c->nudge ? (uint64_t)c->nudge_ms * NS_PER_MS : 0;
}
