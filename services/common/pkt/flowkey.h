/*
 * flowkey: the 5-tuple that names a flow, the same for both of its directions.
 */
#ifndef PKT_FLOWKEY_H
#define PKT_FLOWKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/pkt.h"

/* One direction's view; flowkey_of() orders the two ends so that both directions give equal bytes.
 * Compare with memcmp, hash with flowkey_hash. For ICMP the ports are type and code of the query
 * (a reply is folded onto its request: echo 0→8, 129→128 and so on). */
struct flowkey {
	struct addr lo, hi;
	uint16_t lo_port, hi_port;
	uint8_t proto;
	uint8_t pad; /* zero */
};

/* flowkey_of: the key of a packet that has stop PKT_L4, PKT_IP or (of its addresses and protocol)
 * PKT_FRAGMENT. *forward says whether the packet travels from lo to hi. */
void flowkey_of(const struct pkt *p, struct flowkey *key, bool *forward);

/* flowkey_hash: SipHash-2-4 under a secret key, so that nobody can aim flows at one bucket. */
uint64_t flowkey_hash(const struct flowkey *key, const uint8_t seed[16]);

/* community_id: Community ID v1 ("1:" and base64 of SHA-1) with the given seed (usually 0).
 * Source: github.com/corelight/community-id-spec. out has room for 32 bytes with the NUL. */
void community_id(const struct pkt *p, uint16_t seed, char out[32]);

#endif
