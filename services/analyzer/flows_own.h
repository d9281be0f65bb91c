/*
 * flows_own: what flows.c, flows_live.c and flows_finish.c share.
 *
 * Slots are the table proper: one a flow, small, for as long as the file lasts. Behind a slot is
 * its flow's body, live or at rest at a place of the pager, or only the trail of its packets in the
 * file: those are read again when the body is needed.
 */
#ifndef ANALYZER_FLOWS_OWN_H
#define ANALYZER_FLOWS_OWN_H

#include "flows.h"
#include "pager.h"
#include "store.h"
#include "trail.h"

#define CHUNK_BITS 12
#define CHUNK      (1u << CHUNK_BITS)

enum slot_state { SLOT_LIVE, SLOT_RESTING, SLOT_TRAIL };

struct slot {
	struct flowkey key;
	uint32_t tunnel; /* 0: outermost; else names the tunnel */
	uint8_t state;   /* enum slot_state */
	bool closed;     /* of a trail: a FIN or RST is on it */
	uint64_t first_ns;
	union {
		struct flow *live;
		uint64_t place; /* resting */
		struct trail_ends
			trail; /* the first packet's number, then the places of all packets */
	};
};

/* An entry of the table: its position follows from the hash. */
struct ref {
	uint32_t hash;
	uint32_t slot; /* index + 1; 0: free */
};

struct flows {
	struct flows_options o;
	struct flows_counts counts;
	uint8_t seed[16];
	struct slot **chunk;
	uint32_t nchunks, nslots;
	struct ref *ref;
	uint32_t nrefs, used; /* nrefs is a power of two, at most half used */
	size_t live_limit[2], store_limit;
	size_t memory[2]; /* of live flows: ordinary ones, large ones */
	/* The live flows, and of each the round in which it was used last. */
	struct flow **live;
	uint32_t *round;
	uint32_t nlive, live_cap, now;
	struct defrag *defrag;
	struct pager *pager;
	struct store *store;
	struct trail *trail; /* NULL: packets cannot be read again */
};

/* Of the memory, live flows take a sixth, but no more than a large cache holds; the store a sixth;
 * flows at rest a third. The rest is for what each of them takes on top: allocator, pages half
 * used. Where packets can be read again, trails take five eighths, and each of these an eighth. */
#define LIVE_MOST  ((size_t)16 << 20)
#define STORE_MOST ((size_t)1 << 30)
#define REST_MOST  ((size_t)1 << 36)

static inline size_t flows_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline struct slot *slot_at(const struct flows *t, uint32_t i)
{
	return &t->chunk[i >> CHUNK_BITS][i & (CHUNK - 1)];
}

/* flows_live.c */

/* flows_enlist: makes f one of the live flows; flows_unlist: the place i among them becomes that of
 * the last one. */
int flows_enlist(struct flows *t, struct flow *f);
void flows_unlist(struct flows *t, uint32_t i);
/* flows_awake: the flow of slot number index, live now if it was not. 0 or -errno. */
int flows_awake(struct flows *t, uint32_t index, struct flow **out);
/* Large flows are few, and to put one aside and fetch it again takes long: they have a limit of
 * their own, of a few that live side by side whatever the memory is. */
#define LARGE       ((size_t)64 << 10)
#define LARGE_LEAST 3

static inline bool flow_is_large(const struct flow *f)
{
	return f->memory > LARGE;
}

/* flows_weigh: a live flow takes so much memory now. */
static inline void flows_weigh(struct flows *t, struct flow *f, size_t memory)
{
	t->memory[flow_is_large(f)] -= f->memory;
	f->memory = memory;
	t->memory[flow_is_large(f)] += memory;
}

/* flows_rest: puts flows aside, of one kind and not that of the packet at hand, until a quarter of
 * its live ones' memory is free again. 0 or -errno. */
int flows_rest(struct flows *t, bool large, const struct flow *at_hand);

/* flows.c */

/* flows_forget: which packets belong to which slot; the slots stay. 0 or -ENOMEM. */
int flows_forget(struct flows *t);
/* flows_clear: no slots, no flows. */
void flows_clear(struct flows *t);

/* flows_shard.c: whether p falls to this process. */
bool flows_ours(const struct flows *t, const struct pkt *p);

#endif
