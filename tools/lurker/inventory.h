/*
 * inventory: packets counted in the files of a state directory: archive, queues, records.
 *
 * Each packet counts once: a file that is in the archive and still in the queue counts in the
 * archive, and a flow whose record was written twice (a kill between the record and the end of its
 * queue entry) counts with one of them. A file that was taken out of a queue counts as that,
 * whatever its consumer had done with it before it was killed.
 */
#ifndef LURKER_INVENTORY_H
#define LURKER_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "journal_ranges.h"

struct inventory {
	/* From counters, by balance_hand: of the numbers that capture gave, and of what flowagg put
	 * into the queues. */
	uint64_t given, taken, waiting, removed;
	uint64_t for_uploader, for_analyzer;
	bool uploads, analyses; /* these queues are in use */
	bool by_flowagg;        /* there are files that flowagg made */
	struct journal_ranges waits;
	uint64_t objects, uploader_queue, uploader_bad, uploader_evicted, uploader_stored;
	uint64_t records, analyzer_queue, analyzer_bad, analyzer_evicted, analyzer_outside;
	uint64_t files;        /* in the archive */
	uint64_t lines, again; /* records; of them, those of a flow that has one already */
	uint64_t broken;       /* files that are no whole capture file */
};

/* inventory_read: objects_dir NULL: STATE_DIR/objects, and what the uploader says that it stored
 * elsewhere; else all is in that directory. from: the journal is read from that number on. 0 or
 * -errno; inventory_free in any case. Reads every file. */
int inventory_read(const char *state_dir, const char *objects_dir, uint64_t from,
		   struct inventory *out);
void inventory_free(struct inventory *s);

/* inventory_value: one of the counts by its name; 0 for another. */
uint64_t inventory_value(const struct inventory *s, const char *name);

#endif
