/*
 * responder_world_own: what the two halves of responder_world.h share: the checks and the choices.
 */
#ifndef TEST_RESPONDER_WORLD_OWN_H
#define TEST_RESPONDER_WORLD_OWN_H

#include "responder_world.h"

#define STREAMS   1024u
#define SPAN      300000u /* sequence numbers followed per stream: more than the largest window */
#define ADDRESSES 1024u
#define FINS      64u
#define MILLI     UINT64_C(1000000)

/* One ISN that we gave to one 4-tuple for one SYN. */
struct given {
	struct tuple t;
	uint32_t irs, isn;
	bool returned;      /* the peer acknowledged it */
	uint8_t *got;       /* bit per byte after irs + 1 */
	uint32_t whole;     /* so many of them, from the first on, are there */
	uint32_t next;      /* in its bucket, plus one */
	uint32_t fin[FINS]; /* where a FIN was, the last of them */
	uint32_t fins;
};

/* Bytes from and to an address, or a prefix, while it was not verified. */
struct balance {
	struct net who;
	uint64_t in, out;
};

struct world {
	struct responder core;
	struct send_batch out;
	uint64_t now;
	struct given given[STREAMS];
	uint32_t n;
	uint32_t bucket[STREAMS]; /* index plus one of the first, by 4-tuple */
	struct balance balance[ADDRESSES];
	uint32_t balances;
	struct world_sums sums;
	uint64_t seed;
	uint64_t verified; /* by the cores before this one */
	bool echo;
};

#endif
