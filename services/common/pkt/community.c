/*
 * community: Community ID v1, a flow hash that other tools compute alike.
 * Source: github.com/corelight/community-id-spec.
 */
#include <netinet/in.h>
#include <openssl/evp.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/digest.h"
#include "pkt/flowkey.h"

/* The specification's ICMP pairs: the counterpart's type stands for the other port. Its list is not
 * that of flowkey.c: it pairs by RFC and leaves messages out that have no counterpart. */
static const struct {
	uint8_t proto, type, other;
} icmp_ports[] = {
	{IPPROTO_ICMP, 8, 0},       {IPPROTO_ICMP, 0, 8},       {IPPROTO_ICMP, 13, 14},
	{IPPROTO_ICMP, 14, 13},     {IPPROTO_ICMP, 15, 16},     {IPPROTO_ICMP, 16, 15},
	{IPPROTO_ICMP, 10, 9},      {IPPROTO_ICMP, 9, 10},      {IPPROTO_ICMP, 17, 18},
	{IPPROTO_ICMP, 18, 17},     {IPPROTO_ICMPV6, 128, 129}, {IPPROTO_ICMPV6, 129, 128},
	{IPPROTO_ICMPV6, 133, 134}, {IPPROTO_ICMPV6, 134, 133}, {IPPROTO_ICMPV6, 135, 136},
	{IPPROTO_ICMPV6, 136, 135}, {IPPROTO_ICMPV6, 130, 131}, {IPPROTO_ICMPV6, 131, 130},
	{IPPROTO_ICMPV6, 144, 145}, {IPPROTO_ICMPV6, 145, 144},
};

static bool has_ports(const struct pkt *p)
{
	if (p->stop != PKT_L4)
		return false;
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return true;
	}
	return false;
}

void community_id(const struct pkt *p, uint16_t seed, char out[32])
{
	size_t n = p->src.family == 4 ? 4 : 16;
	uint16_t sport = p->sport, dport = p->dport;
	bool ports = has_ports(p), one_way = false;
	uint8_t b[2 + 32 + 2 + 4], digest[20];

	if (ports && (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)) {
		one_way = true;
		for (size_t i = 0; i < sizeof icmp_ports / sizeof icmp_ports[0]; i++)
			if (icmp_ports[i].proto == p->proto && icmp_ports[i].type == sport) {
				dport = icmp_ports[i].other;
				one_way = false;
				break;
			}
	}
	int order = memcmp(p->src.b, p->dst.b, n);
	bool keep = one_way || order < 0 || (!order && (!ports || sport < dport));

	put_be16(b, seed);
	memcpy(b + 2, keep ? p->src.b : p->dst.b, n);
	memcpy(b + 2 + n, keep ? p->dst.b : p->src.b, n);
	size_t at = 2 + 2 * n;
	b[at++] = p->proto;
	b[at++] = 0;
	if (ports) {
		put_be16(b + at, keep ? sport : dport);
		put_be16(b + at + 2, keep ? dport : sport);
		at += 4;
	}
	digest_sha1(b, at, digest);
	out[0] = '1';
	out[1] = ':';
	EVP_EncodeBlock((unsigned char *)out + 2, digest, sizeof digest);
}
