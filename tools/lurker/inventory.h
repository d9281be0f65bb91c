/*
 * inventory: the packets in the files of a state directory: archive, queues, records.
 *
 * Each packet counts once. A file that is both in the archive and still in the queue counts in the
 * archive. A flow whose record was written twice (the analyzer was killed after the record and
 * before the end of its queue entry) counts with one record. A file that was evicted from a queue
 * counts as evicted, whatever its consumer had done with it before it was killed.
 */
#ifndef LURKER_INVENTORY_H
#define LURKER_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "journal_ranges.h"

struct inventory {
	/* balance_hand takes these from the counters: the numbers that capture assigned and where
	 * they are, and the packets that flowagg put into each queue. */
	uint64_t given, taken, waiting, removed;
	uint64_t for_uploader, for_analyzer;
	bool uploads, analyses; /* the uploader's and the analyzer's queue are in use */
	bool by_flowagg;        /* flowagg made at least one file */
	struct journal_ranges journal;
	uint64_t objects, uploader_queue, uploader_bad, uploader_evicted, uploader_stored;
	uint64_t records, analyzer_queue, analyzer_bad, analyzer_evicted, analyzer_outside;
	uint64_t files;      /* capture files in the archive */
	uint64_t lines;      /* records */
	uint64_t duplicates; /* records of a flow that has one already */
	uint64_t broken;     /* capture files that are damaged or cut off */
};

/* inventory_read: reads every file. The archive is objects_dir; NULL means STATE_DIR/objects and
 * what the uploader noted as stored elsewhere. The journal is read from the number `from` on. 0 or
 * -errno; call inventory_free in either case. */
int inventory_read(const char *state_dir, const char *objects_dir, uint64_t from,
		   struct inventory *out);
void inventory_free(struct inventory *s);

/* inventory_value: a count by its name; 0 for an unknown name. */
uint64_t inventory_value(const struct inventory *s, const char *name);

#endif
