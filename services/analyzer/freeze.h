/*
 * freeze: a flow as one run of bytes, and back. A flow at rest takes a third of the memory of a
 * live one, and none for a payload that another flow brought as well.
 */
#ifndef ANALYZER_FREEZE_H
#define ANALYZER_FREEZE_H

#include "flow.h"
#include "pager.h"
#include "store.h"

/* flow_can_freeze: false while bytes are waiting out of order: those are few and stay in memory. */
bool flow_can_freeze(const struct flow *f);
/* flow_freeze: writes and frees the flow; its place. 0, or -errno and *f stays. Payloads may go to
 * the store (NULL: none), which then has to last as long as the pager. */
int flow_freeze(struct flow **f, struct pager *p, struct store *store, uint64_t *place);
int flow_thaw(struct pager *p, uint64_t place, struct flow **out);

#endif
