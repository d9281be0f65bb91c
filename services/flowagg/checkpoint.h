/*
 * checkpoint: everything agg knows, as bytes: the open flows with their packets, the bundle, the
 * next numbers, what names and fragments remember. Restoring it and taking in the packets that
 * followed gives the very files that would have come without the interruption.
 *
 *   magic and version │ heads │ names │ fragments │ bundle │ flows, each with its packets
 *   │ totals │ CRC-32
 *
 * Integers are little endian. Flows stand in the order of their lists, so that the order comes
 * back.
 */
#ifndef FLOWAGG_CHECKPOINT_H
#define FLOWAGG_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "flowagg/agg.h"

#define CHECKPOINT_VERSION 1u

/* checkpoint_save: hands over the bytes in pieces. 0, or what put returned. */
int checkpoint_save(const struct agg *a, agg_put_fn put, void *arg);

/* checkpoint_verify: whether these bytes are a whole checkpoint of this version; *next and
 * *next_seal are the numbers it goes on with. 0; -EBADMSG (torn or foreign); -EPROTONOSUPPORT
 * (another version). */
int checkpoint_verify(const uint8_t *p, size_t n, uint64_t *next, uint64_t *next_seal);

/* checkpoint_load: agg_init from a checkpoint. Flows beyond the limits (they may be lower than they
 * were) are ended by pressure at once. 0, -ENOMEM, what seal said, or as checkpoint_verify; on an
 * error *a is not initialised. */
int checkpoint_load(struct agg *a, const struct agg_limits *limits, agg_seal_fn seal, void *arg,
		    const uint8_t *p, size_t n);

#endif
