/*
 * neigh: ARP replies (RFC 826) and neighbour advertisements (RFC 4861) for watched addresses nobody
 * owns.
 *
 * An address is answered only after a probe found it free: the first question about it makes us ask
 * the link (ARP probe, RFC 5227; neighbour solicitation as in duplicate address detection, RFC
 * 4862). If nobody claims it for NEIGH_PROBE_NS, the next question (stacks ask again after a
 * second) is answered. Whoever is heard claiming an address (any ARP packet with it as sender, an
 * advertisement, a duplicate address detection) has it, and is not contested for NEIGH_CLAIM_NS.
 *
 * The table is bounded, four ways a set. A full set gives up free addresses before claimed ones;
 * what was given up is probed again, so forgetting never leads to a wrong answer. Nothing here is
 * sent unasked.
 */
#ifndef RESPONDER_NEIGH_H
#define RESPONDER_NEIGH_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "responder/watch.h"

#define NEIGH_PROBE_NS UINT64_C(900000000)
#define NEIGH_FREE_NS  UINT64_C(300000000000)
#define NEIGH_CLAIM_NS UINT64_C(1200000000000)
#define NEIGH_WAYS     4

enum neigh_state { NEIGH_UNKNOWN, NEIGH_PROBING, NEIGH_FREE, NEIGH_CLAIMED };

struct neigh_entry {
	struct addr a;
	uint8_t state;
	uint64_t since_ns;
};

struct neigh {
	struct neigh_entry (*set)[NEIGH_WAYS];
	uint32_t mask;
	uint8_t key[16];
	uint8_t mac[6]; /* ours */
	uint64_t evicted;
};

/* neigh_init: 0 or -ENOMEM. */
int neigh_init(struct neigh *n, uint32_t entries, const uint8_t mac[6], const uint8_t key[16]);
void neigh_fini(struct neigh *n);

enum neigh_verdict {
	NEIGH_IGNORED,
	NEIGH_PROBED,
	NEIGH_ANSWERED,
	NEIGH_HELD /* claimed, or not yet known free */
};

/* neigh_arp/neigh_icmp6: a frame with ARP, or with ICMPv6 type 135 or 136. At most one frame is
 * written to out (at least 128 bytes), its length to *len (0: none). */
enum neigh_verdict neigh_arp(struct neigh *n, const struct watch *w, const struct pkt *p,
			     uint64_t now_ns, uint8_t *out, size_t *len);
enum neigh_verdict neigh_icmp6(struct neigh *n, const struct watch *w, const struct pkt *p,
			       uint64_t now_ns, uint8_t *out, size_t *len);

#endif
