/*
 * snapshot: packs a flow into one run of bytes, and restores it. A packed flow takes a third of the
 * memory of a live one, and none for a payload that another flow has as well.
 */
#ifndef ANALYZER_SNAPSHOT_H
#define ANALYZER_SNAPSHOT_H

#include "table/flow.h"
#include "table/pager.h"
#include "table/payload_store.h"

/* flow_can_snapshot: false while the flow holds out-of-order bytes or doubtful segments. Such flows
 * are few and stay live. */
bool flow_can_snapshot(const struct flow *f);
/* flow_snapshot: writes the flow to the pager, sets *place and frees the flow. 0, or -errno and *f
 * stays. Payloads may go to the store (NULL: none), which must then live as long as the pager. */
int flow_snapshot(struct flow **f, struct pager *p, struct payload_store *store, uint64_t *place);
/* flow_restore: makes the flow at a place again. 0 or -errno. */
int flow_restore(struct pager *p, uint64_t place, struct flow **out);

#endif
