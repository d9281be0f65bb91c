/*
 * open_flows: the table of open flows. Flows are found by key, and each class has a list of its
 * flows in the order in which they were last seen.
 *
 * The hash is keyed, so nobody can aim at one bucket. The number of buckets doubles as flows come.
 * No output of flowagg depends on the order of buckets.
 */
#ifndef FLOWAGG_OPEN_FLOWS_H
#define FLOWAGG_OPEN_FLOWS_H

#include "flowagg/open_flow.h"

#define FLOW_NONE UINT32_MAX

/* A flow's link in its hash chain. Links are small and lie apart from the flows, so a search
 * touches a flow only when its hash matches. */
struct open_flows_link {
	uint32_t next, hash;
};

struct open_flows {
	struct open_flow *flows;       /* address space for max; memory is used as needed */
	struct open_flows_link *links; /* of flows[i]; of a free place: the next free one */
	uint32_t *buckets;
	uint32_t nbuckets; /* a power of two */
	uint32_t max, used, fresh, free;
	uint32_t oldest[FLOW_CLASSES], newest[FLOW_CLASSES];
	uint8_t seed[16];
};

/* open_flows_init: 0 or -ENOMEM. */
int open_flows_init(struct open_flows *t, uint32_t max, const uint8_t seed[16]);
void open_flows_fini(struct open_flows *t);

/* open_flows_find: the flow of that key, or NULL. */
struct open_flow *open_flows_find(struct open_flows *t, const struct flowkey *key);
/* open_flows_add: a new flow, zeroed, with its key, last in the list of class. There must be room
 * (used < max). */
struct open_flow *open_flows_add(struct open_flows *t, const struct flowkey *key,
				 enum flow_class class);
/* open_flows_remove: removes the flow; the caller frees its packets. */
void open_flows_remove(struct open_flows *t, struct open_flow *f);
/* open_flows_touch: moves the flow to the end of the list of class. */
void open_flows_touch(struct open_flows *t, struct open_flow *f, enum flow_class class);
/* open_flows_least: the flow that goes first under pressure: the one unseen for longest in the
 * first class to go that has any. NULL: there is no flow. */
struct open_flow *open_flows_least(struct open_flows *t);
/* open_flows_oldest/open_flows_newer: walk a list from its oldest flow; NULL at the end. */
struct open_flow *open_flows_oldest(struct open_flows *t, enum flow_class class);
struct open_flow *open_flows_newer(struct open_flows *t, const struct open_flow *f);

#endif
