/*
 * flow_table_own: what the flow_table*.c files share.
 *
 * The table proper consists of slots. Each flow has one small slot until the end of the file. A
 * slot leads to the body of its flow, which is in one of three states: live, packed by the pager,
 * or indexed. Of an indexed flow, only the places of its packets in the file are known; they are
 * read again when the body is needed.
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
	bool closed;     /* of an indexed flow: one of its packets has FIN or RST */
	uint64_t first_ns;
	union {
		struct flow *live;
		uint64_t place; /* of a packed flow, in the pager */
		struct packet_index_ends
			entries; /* the first packet's number, then the places of all packets */
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
	struct packet_index *index; /* NULL: packets cannot be read again */
	/* The flows on their way out (flow_table_finish). */
	struct flow_order *order; /* NULL: in the order of their slots */
	uint32_t step;
	uint32_t given; /* the slot whose flow the caller has, counted from 1; 0: none */
};

/* The share of the memory limit: live flows a sixth, but at most the size of a large cache; the
 * payload store a sixth; packed flows a third. The remainder covers overhead: the allocator, pages
 * half used. If packets can be read again, the packet index takes five eighths, and each of the
 * others an eighth. */
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

/* flow_table_enlist: adds f to the live flows. 0 or -ENOMEM. flow_table_unlist: removes number i of
 * them; the last one takes its place. */
int flow_table_enlist(struct flow_table *t, struct flow *f);
void flow_table_unlist(struct flow_table *t, uint32_t i);
/* flow_table_restore: makes the flow of slot number index live, if it is not. 0 or -errno. */
int flow_table_restore(struct flow_table *t, uint32_t index, struct flow **out);

/* Large flows are few, and packing and restoring one takes long. They have a limit of their own,
 * which lets a few of them stay live however small the memory is. */
#define LARGE       ((size_t)64 << 10)
#define LARGE_LEAST 3

static inline bool flow_is_large(const struct flow *f)
{
	return f->memory > LARGE;
}

/* flow_table_weigh: records that a live flow now takes this much memory. */
static inline void flow_table_weigh(struct flow_table *t, struct flow *f, size_t memory)
{
	t->memory[flow_is_large(f)] -= f->memory;
	f->memory = memory;
	t->memory[flow_is_large(f)] += memory;
}

/* flow_table_pack: packs live flows of one kind, ordinary or large, until a quarter of that kind's
 * limit is free. It does not pack `current`, the flow of the packet in progress. 0 or -errno. */
int flow_table_pack(struct flow_table *t, bool large, const struct flow *current);

/* flow_table.c */

/* flow_table_forget: forgets which packets belong to which slot; the slots stay. 0 or -ENOMEM. */
int flow_table_forget(struct flow_table *t);
/* flow_table_clear: removes all slots and flows. */
void flow_table_clear(struct flow_table *t);

/* flow_table_owns: whether this process keeps the flow of p (flow_table_shard.c). */
bool flow_table_owns(const struct flow_table *t, const struct pkt *p);

#endif
