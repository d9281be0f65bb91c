/*
 * table: the open flows: found by key, and in one list a class, ordered by when they were last
 * seen.
 *
 * The hash is keyed, so that nobody can aim at one bucket; the buckets double as flows come.
 * Nothing that leaves flowagg depends on the order of buckets.
 */
#ifndef FLOWAGG_TABLE_H
#define FLOWAGG_TABLE_H

#include "flowagg/flow.h"

#define FLOW_NONE UINT32_MAX

/* A flow's place in its hash chain: beside the flows and small, so that a search touches a flow
 * only when its hash is the one looked for. */
struct table_link {
	uint32_t next, hash;
};

struct table {
	struct flow *flows;       /* reserved for max, used as far as needed */
	struct table_link *links; /* of flows[i]; of a free place: the next free one */
	uint32_t *buckets;
	uint32_t nbuckets; /* a power of two */
	uint32_t max, used, fresh, free;
	uint32_t oldest[FLOW_CLASSES], newest[FLOW_CLASSES];
	uint8_t seed[16];
};

/* table_init: 0 or -ENOMEM. */
int table_init(struct table *t, uint32_t max, const uint8_t seed[16]);
void table_fini(struct table *t);

/* table_find: the flow of that key, or NULL. */
struct flow *table_find(struct table *t, const struct flowkey *key);
/* table_add: a new flow, zeroed, with its key, last in the list of class. There must be room
 * (used < max). */
struct flow *table_add(struct table *t, const struct flowkey *key, enum flow_class class);
/* table_remove: forgets it; its packets are the caller's to free. */
void table_remove(struct table *t, struct flow *f);
/* table_touch: moves it to the end of the list of class. */
void table_touch(struct table *t, struct flow *f, enum flow_class class);
/* table_least: the first to go under pressure: the longest unseen of the least class, or NULL. */
struct flow *table_least(struct table *t);
/* table_oldest/table_newer: walk a list from its oldest. */
struct flow *table_oldest(struct table *t, enum flow_class class);
struct flow *table_newer(struct table *t, const struct flow *f);

#endif
