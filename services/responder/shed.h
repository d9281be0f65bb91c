/*
 * shed: keeps flooding prefixes out in the kernel, so that their packets cost neither ring nor
 * processor.
 *
 * A prefix (/24, /48) whose SYNs were refused by the token buckets at more than a settable rate
 * within a second is shed: instructions in front of the socket's filter drop its SYNs, except one
 * in SHED_SAMPLE at random. The SYNs that pass give an estimate of how many were dropped, and show
 * when the flood is over. Only SYNs are shed; connections from such a prefix continue.
 *
 * Offenders are found with the Space-Saving algorithm (Metwally et al. 2005) over SHED_MAX
 * counters.
 */
#ifndef RESPONDER_SHED_H
#define RESPONDER_SHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"

struct sock_filter;

#define SHED_MAX     32
#define SHED_SAMPLE  64 /* a power of two */
#define SHED_KEEP_NS UINT64_C(10000000000)
/* Most instructions that shed_program() writes. */
#define SHED_INSNS 256

struct shed_entry {
	struct net prefix;  /* family 0: empty */
	uint64_t refused;   /* this second; one sampled stands for SHED_SAMPLE */
	uint64_t inherited; /* of these, those that may be another prefix's */
	uint64_t until_ns;  /* shed until then; 0: not shed */
};

struct shed {
	struct shed_entry entry[SHED_MAX];
	uint64_t rate; /* refused SYNs a second from which on a prefix is shed; 0: never */
	uint32_t active;
};

void shed_init(struct shed *s, uint64_t rate);
/* shed_syn: a SYN came; whether its prefix is being shed, so that it stands for SHED_SAMPLE. */
bool shed_syn(const struct shed *s, const struct addr *src);
/* shed_refused: counts a SYN that a token bucket refused. */
void shed_refused(struct shed *s, const struct addr *src);
/* shed_tick: once a second; true when the list changed and the program must be made anew. */
bool shed_tick(struct shed *s, uint64_t now_ns);
/* shed_program: the instructions that go in front of the socket's filter, for untagged Ethernet
 * (the kernel has taken the outer tag off); returns how many, at most SHED_INSNS. */
size_t shed_program(const struct shed *s, struct sock_filter *out);

#endif
