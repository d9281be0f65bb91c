/*
 * save: when a checkpoint is written, and what must be on disk before it.
 *
 *   sealed files into the queues → packets in the journal for good → checkpoint → the seal log
 *   begins anew → flowagg's mark in the journal, below which nothing is needed
 */
#ifndef FLOWAGG_SAVE_H
#define FLOWAGG_SAVE_H

#include <stdint.h>

#include "flowagg/agg.h"
#include "flowagg/deliver.h"
#include "flowagg/totals.h"

struct saver {
	/* Borrowed. */
	const char *checkpoint, *journal_dir;
	struct agg *agg;
	struct deliver *deliver;
	const struct totals *totals;
	uint64_t *count; /* by enum flowagg_count */

	uint64_t every_ns, every_bytes;
	/* Since the last checkpoint: bytes of journal, packets other than ticks. */
	uint64_t unsaved_bytes, unsaved_packets;
	uint64_t saved_ns; /* when the last one was attempted, monotonic */
	int error;         /* result of the last attempt */
};

/* save_took: notes that agg took in a packet of this caplen and len. */
void save_took(struct saver *s, uint32_t caplen, uint32_t len);
/* save_now: writes a checkpoint. An error is counted, and logged when it is a new one. */
void save_now(struct saver *s);
/* save_if_due: writes a checkpoint if packets came since the last one, and every_ns has passed,
 * every_bytes were taken in, or the seal log is full. */
void save_if_due(struct saver *s);

#endif
