/*
 * close: a flow's end: into the bundle or into a file of its own.
 */
#ifndef FLOWAGG_CLOSE_H
#define FLOWAGG_CLOSE_H

#include "flowagg/agg.h"

/* All: 0, or what the seal function said: then all is as it was. */

/* close_flow: ends f, which is gone afterwards. */
int close_flow(struct agg *a, struct open_flow *f, enum agg_reason reason);
/* close_bundle: seals the bundle, if there is anything in it. */
int close_bundle(struct agg *a, enum agg_reason reason);
/* close_bundle_of_past: seals it when its minute is over, or nothing came for twice the idle
 * timeout. */
int close_bundle_of_past(struct agg *a);

#endif
