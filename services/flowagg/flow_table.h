/*
 * flow_table: the open flows: found by key, and in one list a class, ordered by when they were last
 * seen.
 *
 * The hash is keyed, so that nobody can aim at one bucket; the buckets double as flows come.
 * Nothing that leaves flowagg depends on the order of buckets.
 */
#ifndef FLOWAGG_FLOW_TABLE_H
#define FLOWAGG_FLOW_TABLE_H

#include "flowagg/open_flow.h"

#define FLOW_NONE UINT32_MAX

/* A flow's place in its hash chain: beside the flows and small, so that a search touches a flow
 * only when its hash is the one looked for. */
struct flow_table_link {
	uint32_t next, hash;
};

struct flow_table {
	struct open_flow *flows;       /* reserved for max, used as far as needed */
	struct flow_table_link *links; /* of flows[i]; of a free place: the next free one */
	uint32_t *buckets;
	uint32_t nbuckets; /* a power of two */
	uint32_t max, used, fresh, free;
	uint32_t oldest[FLOW_CLASSES], newest[FLOW_CLASSES];
	uint8_t seed[16];
};

/* flow_table_init: 0 or -ENOMEM. */
int flow_table_init(struct flow_table *t, uint32_t max, const uint8_t seed[16]);
void flow_table_fini(struct flow_table *t);

/* flow_table_find: the flow of that key, or NULL. */
struct open_flow *flow_table_find(struct flow_table *t, const struct flowkey *key);
/* flow_table_add: a new flow, zeroed, with its key, last in the list of class. There must be room
 * (used < max). */
struct open_flow *flow_table_add(struct flow_table *t, const struct flowkey *key,
				 enum flow_class class);
/* flow_table_remove: forgets it; its packets are the caller's to free. */
void flow_table_remove(struct flow_table *t, struct open_flow *f);
/* flow_table_touch: moves it to the end of the list of class. */
void flow_table_touch(struct flow_table *t, struct open_flow *f, enum flow_class class);
/* flow_table_least: the first to go under pressure: the longest unseen of the least class, or NULL. */
struct open_flow *flow_table_least(struct flow_table *t);
/* flow_table_oldest/flow_table_newer: walk a list from its oldest. */
struct open_flow *flow_table_oldest(struct flow_table *t, enum flow_class class);
struct open_flow *flow_table_newer(struct flow_table *t, const struct open_flow *f);

#endif
