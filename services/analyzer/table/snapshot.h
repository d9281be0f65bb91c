/*
 * snapshot: a flow as one run of bytes, and back. A flow at rest takes a third of the memory of a
 * live one, and none for a payload that another flow brought as well.
 */
#ifndef ANALYZER_SNAPSHOT_H
#define ANALYZER_SNAPSHOT_H

#include "table/flow.h"
#include "table/pager.h"
#include "table/payload_store.h"

/* flow_can_snapshot: false while bytes are waiting out of order: those are few and stay in
 * memory. */
bool flow_can_snapshot(const struct flow *f);
/* flow_snapshot: writes and frees the flow; its place. 0, or -errno and *f stays. Payloads may go
 * to the store (NULL: none), which then has to last as long as the pager. */
int flow_snapshot(struct flow **f, struct pager *p, struct payload_store *store, uint64_t *place);
int flow_restore(struct pager *p, uint64_t place, struct flow **out);

#endif
