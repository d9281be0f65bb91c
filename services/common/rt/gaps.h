/*
 * gaps: what a subscriber missed, told from the sequence numbers of what it got.
 *
 * One row for each sensor, producer and topic that was heard. Within an epoch a step of more than
 * one is a loss of what lies between. The first message of a producer that was never heard tells
 * nothing of what was before it; the first one of a later epoch tells that all of that epoch before
 * it was lost, since we were subscribed.
 */
#ifndef RT_GAPS_H
#define RT_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* Names beyond these lengths and rows beyond this number are refused: they come from the bus. */
#define GAPS_SENSOR   64
#define GAPS_PRODUCER 32
#define GAPS_TOPIC    32
#define GAPS_ROWS     256

struct gaps;

int gaps_new(struct gaps **out);
void gaps_free(struct gaps **g);

/* gaps_note: notes that seq of an epoch came. *missed and *new_epoch as in struct bus_msg. 0;
 * -EINVAL for a name that is empty or too long and for a seq that cannot follow (not after the last
 * one); -ENOSPC when the table is full. */
int gaps_note(struct gaps *g, struct bytes sensor, struct bytes producer, struct bytes topic,
	      uint64_t epoch, uint64_t seq, uint64_t *missed, bool *new_epoch);

#endif
