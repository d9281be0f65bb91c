/*
 * flow_table_own: what flows.c, flow_table_live.c and flow_table_finish.c share.
 *
 * Slots are the table proper: one a flow, small, for as long as the file lasts. Behind a slot is
 * its flow's body, live or at rest at a place of the pager, or only the trail of its packets in the
 * file: those are read again when the body is needed.
 */
#ifndef ANALYZER_FLOW_TABLE_OWN_H
#define ANALYZER_FLOW_TABLE_OWN_H

#include "table/flow_table.h"
#include "table/packet_index.h"
#include "table/pager.h"
#include "table/payload_store.h"

#define CHUNK_BITS 12
#define CHUNK      (1u << CHUNK_BITS)

enum slot_state { SLOT_LIVE, SLOT_PACKED, SLOT_INDEXED };

struct slot {
	struct flowkey key;
	uint32_t tunnel; /* 0: outermost; else names the tunnel */
	uint8_t state;   /* enum slot_state */
	bool closed;     /* of a trail: a FIN or RST is on it */
	uint64_t first_ns;
	union {
		struct flow *live;
		uint64_t place; /* resting */
		struct packet_index_ends
			trail; /* the first packet's number, then the places of all packets */
	};
};

/* A flow's place in the order of time. Slots are in the order of their first packet's number. */
struct flow_order {
	uint64_t first_ns;
	uint32_t index;
};

/* An entry of the table: its position follows from the hash. */
struct ref {
	uint32_t hash;
	uint32_t slot; /* index + 1; 0: free */
};

struct flow_table {
	struct flow_table_options o;
	struct flow_table_counts counts;
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
	struct payload_store *store;
	struct packet_index *trail; /* NULL: packets cannot be read again */
	/* The flows on their way out (flow_table_finish). */
	struct flow_order *order; /* NULL: in the order of their slots */
	uint32_t step;
	uint32_t given; /* the slot whose flow the caller has, counted from 1; 0: none */
};

/* Of the memory, live flows take a sixth, but no more than a large cache holds; the store a sixth;
 * flows at rest a third. The rest is for what each of them takes on top: allocator, pages half
 * used. Where packets can be read again, trails take five eighths, and each of these an eighth. */
#define LIVE_MOST   ((size_t)16 << 20)
#define STORE_MOST  ((size_t)1 << 30)
#define PACKED_MOST ((size_t)1 << 36)

static inline size_t flow_table_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline struct slot *slot_at(const struct flow_table *t, uint32_t i)
{
	return &t->chunk[i >> CHUNK_BITS][i & (CHUNK - 1)];
}

/* flow_table_live.c */

/* flow_table_enlist: makes f one of the live flows; flow_table_unlist: the place i among them
 * becomes that of the last one. */
int flow_table_enlist(struct flow_table *t, struct flow *f);
void flow_table_unlist(struct flow_table *t, uint32_t i);
/* flow_table_restore: the flow of slot number index, live now if it was not. 0 or -errno. */
int flow_table_restore(struct flow_table *t, uint32_t index, struct flow **out);
/* Large flows are few, and to put one aside and fetch it again takes long: they have a limit of
 * their own, of a few that live side by side whatever the memory is. */
#define LARGE       ((size_t)64 << 10)
#define LARGE_LEAST 3

static inline bool flow_is_large(const struct flow *f)
{
	return f->memory > LARGE;
}

/* flow_table_weigh: a live flow takes so much memory now. */
static inline void flow_table_weigh(struct flow_table *t, struct flow *f, size_t memory)
{
	t->memory[flow_is_large(f)] -= f->memory;
	f->memory = memory;
	t->memory[flow_is_large(f)] += memory;
}

/* flow_table_pack: puts flows aside, of one kind and not that of the packet at hand, until a
 * quarter of its live ones' memory is free again. 0 or -errno. */
int flow_table_pack(struct flow_table *t, bool large, const struct flow *at_hand);

/* flows.c */

/* flow_table_forget: which packets belong to which slot; the slots stay. 0 or -ENOMEM. */
int flow_table_forget(struct flow_table *t);
/* flow_table_clear: no slots, no flows. */
void flow_table_clear(struct flow_table *t);

/* flow_table_shard.c: whether p falls to this process. */
bool flow_table_owns(const struct flow_table *t, const struct pkt *p);

#endif
