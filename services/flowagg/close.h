/*
 * close: ends flows. A flow's packets go into the bundle or into a file of their own.
 */
#ifndef FLOWAGG_CLOSE_H
#define FLOWAGG_CLOSE_H

#include "flowagg/agg.h"

/* All return 0, or what the seal function returned; what was to be closed is then still open. */

/* close_flow: ends f, which is invalid afterwards. */
int close_flow(struct agg *a, struct open_flow *f, enum agg_reason reason);
/* close_bundle: seals the bundle unless it is empty. */
int close_bundle(struct agg *a, enum agg_reason reason);
/* close_bundle_of_past: seals the bundle when its minute is over, or when its last packet is twice
 * the idle timeout old. */
int close_bundle_of_past(struct agg *a);

#endif
