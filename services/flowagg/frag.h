/*
 * frag: which flow the fragments of a datagram belong to, learned from the first fragment, the one
 * with ports.
 *
 * The table is four-way set associative and of fixed size. A full set replaces the entry that was
 * unused for longest, so a flood of fragments costs nothing but this knowledge.
 */
#ifndef FLOWAGG_FRAG_H
#define FLOWAGG_FRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/flowkey.h"

#define FRAG_WAYS   4u
#define FRAG_PLACES (FRAG_WAYS * 256u)

/* Flow time after which an identification may belong to another datagram (RFC 791: reassembly
 * gives up within 15 to 120 s). */
#define FRAG_LIFE_NS (30 * UINT64_C(1000000000))

struct frag {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto;
	uint8_t used;
	uint64_t seen;
	struct flowkey flow;
};

struct frags {
	struct frag *v;
	uint8_t seed[16];
};

/* frags_init: 0 or -ENOMEM. */
int frags_init(struct frags *s, const uint8_t seed[16]);
void frags_fini(struct frags *s);
/* frags_learn: p is a first fragment of the flow of key. */
void frags_learn(struct frags *s, const struct pkt *p, const struct flowkey *flow, uint64_t now);
/* frags_find: the flow that fragment p belongs to; false when it is not known. */
bool frags_find(struct frags *s, const struct pkt *p, uint64_t now, struct flowkey *flow);
/* frag_ports: turns a first fragment into a packet that is complete enough for flowkey_of: it reads
 * the ports (for ICMP, type and code). false when they were not captured. */
bool frag_ports(const struct pkt *fragment, struct pkt *out);

#endif
