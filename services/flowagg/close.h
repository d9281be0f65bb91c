/*
 * close: a flow's end: into the bundle or into a file of its own.
 */
#ifndef FLOWAGG_CLOSE_H
#define FLOWAGG_CLOSE_H

#include "flowagg/agg.h"

/* close_flow: ends f, which is gone afterwards. */
void close_flow(struct agg *a, struct flow *f, enum agg_reason reason);
/* close_bundle: seals the bundle, if there is anything in it. */
void close_bundle(struct agg *a, enum agg_reason reason);
/* close_bundle_of_past: seals it when its minute is over, or nothing came for twice the idle timeout. */
void close_bundle_of_past(struct agg *a);

#endif
