#include "pkt/flowkey.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "pkt/siphash.h"

/* memcmp and the hash take the key as bytes. */
_Static_assert(sizeof(struct flowkey) == 2 * sizeof(struct addr) + 6,
	       "struct flowkey has no padding");

/* The query that each ICMP answer belongs to (RFC 792, 950, 1256; RFC 4443, 4861, 4620, 6275). */
static const struct {
	uint8_t proto, answer, query;
} icmp_answers[] = {
	{IPPROTO_ICMP, 0, 8},       /* echo */
	{IPPROTO_ICMP, 9, 10},      /* router */
	{IPPROTO_ICMP, 14, 13},     /* timestamp */
	{IPPROTO_ICMP, 16, 15},     /* information */
	{IPPROTO_ICMP, 18, 17},     /* address mask */
	{IPPROTO_ICMPV6, 129, 128}, /* echo */
	{IPPROTO_ICMPV6, 131, 130}, /* multicast listener */
	{IPPROTO_ICMPV6, 134, 133}, /* router */
	{IPPROTO_ICMPV6, 136, 135}, /* neighbour */
	{IPPROTO_ICMPV6, 140, 139}, /* node information */
	{IPPROTO_ICMPV6, 145, 144}, /* home agent */
};

/* icmp_pair: the other type of a query and answer pair; false for messages that stand alone. */
static bool icmp_pair(uint8_t proto, uint16_t type, uint16_t *other, bool *is_answer)
{
	for (size_t i = 0; i < sizeof icmp_answers / sizeof icmp_answers[0]; i++) {
		if (icmp_answers[i].proto != proto)
			continue;
		if (icmp_answers[i].answer == type || icmp_answers[i].query == type) {
			*is_answer = icmp_answers[i].answer == type;
			*other = *is_answer ? icmp_answers[i].query : icmp_answers[i].answer;
			return true;
		}
	}
	return false;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

void flowkey_of(const struct pkt *p, struct flowkey *key, bool *forward)
{
	bool ports = p->stop == PKT_L4;
	uint16_t sport = ports ? p->sport : 0, dport = ports ? p->dport : 0;
	int order = addr_cmp(&p->src, &p->dst);
	bool fwd;

	*key = (struct flowkey){.proto = p->proto};
	if (ports && is_icmp(p->proto)) {
		/* Type and code name the flow whichever way the packet goes: they are not swapped.
		 */
		uint16_t other;
		bool is_answer = false;
		if (icmp_pair(p->proto, sport, &other, &is_answer) && is_answer)
			sport = other;
		fwd = order < 0 || (!order && !is_answer);
		key->lo_port = sport;
		key->hi_port = dport;
	} else {
		fwd = order < 0 || (!order && sport <= dport);
		key->lo_port = fwd ? sport : dport;
		key->hi_port = fwd ? dport : sport;
	}
	key->lo = fwd ? p->src : p->dst;
	key->hi = fwd ? p->dst : p->src;
	*forward = fwd;
}

uint64_t flowkey_hash(const struct flowkey *key, const uint8_t seed[16])
{
	/* An IPv4 key is mostly zeros: hash its 13 bytes only. */
	if (key->lo.family == 4) {
		uint8_t b[14];
		memcpy(b, key->lo.b, 4);
		memcpy(b + 4, key->hi.b, 4);
		memcpy(b + 8, &key->lo_port, 2);
		memcpy(b + 10, &key->hi_port, 2);
		b[12] = key->proto;
		b[13] = key->pad;
		return siphash24(b, sizeof b, seed);
	}
	return siphash24(key, sizeof *key, seed);
}
