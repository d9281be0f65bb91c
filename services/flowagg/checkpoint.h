/*
 * checkpoint: the whole state of agg as bytes: the open flows with their packets, the bundle, the
 * next numbers, and what names and fragments remember. Restoring it and taking in the packets that
 * followed gives exactly the files that an uninterrupted run would have given.
 *
 *   magic and version │ heads │ names │ fragments │ bundle │ flows, each with its packets
 *   │ totals │ CRC-32
 *
 * Integers are little endian. Flows are stored in the order of their lists, which restores that
 * order.
 */
#ifndef FLOWAGG_CHECKPOINT_H
#define FLOWAGG_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "flowagg/agg.h"

#define CHECKPOINT_VERSION 1u

/* checkpoint_save: passes the bytes to put in pieces. 0, or what put returned. */
int checkpoint_save(const struct agg *a, agg_put_fn put, void *arg);

/* checkpoint_verify: whether the bytes are a whole checkpoint of this version. *next and *next_seal
 * receive the numbers of the next packet and the next seal. 0; -EBADMSG (torn or foreign);
 * -EPROTONOSUPPORT (another version). */
int checkpoint_verify(const uint8_t *p, size_t n, uint64_t *next, uint64_t *next_seal);

/* checkpoint_load: agg_init from a checkpoint. Flows beyond the limits, which may be lower than at
 * the save, end by pressure at once. 0; -ENOMEM; what seal returned; the errors of
 * checkpoint_verify. After an error *a is not initialised. */
int checkpoint_load(struct agg *a, const struct agg_limits *limits, agg_seal_fn seal, void *arg,
		    const uint8_t *p, size_t n);

#endif
