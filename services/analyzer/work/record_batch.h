/*
 * record_batch: records on their way out: first into the file, then to disk, then onto the bus;
 * only then are the queue's entries done.
 *
 * Appending several together saves flushes. When the disk is full the batch stays as it is and goes
 * on where it stopped, so that no record is written twice and none is made anew. When it is not
 * sure to be on disk all of it is written once more, to the same place.
 */
#ifndef ANALYZER_RECORD_BATCH_H
#define ANALYZER_RECORD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"
#include "storage/spool.h"

#define RECORD_BATCH_ENTRIES 256
/* Bytes of records from which a batch is not added to. */
#define RECORD_BATCH_FULL (16u << 20)
/* What a batch keeps of its memory, of each kind. */
#define RECORD_BATCH_KEEP (256u << 10)

struct ledger;
struct records;
struct queue;

/* Where a batch goes. */
struct record_batch_out {
	struct records *records;
	struct queue *queue;    /* of the entries; NULL: there are none */
	struct ledger *outside; /* where packets of entries that count in no record are noted */
	/* Publishes one encoded record. */
	void (*publish)(void *arg, struct bytes body);
	void *arg;
};

struct record_batch_counts {
	uint64_t records, entries, set_aside, stuck_entries;
};

/* Where a record ends in lines and in bodies. */
struct record_batch_end {
	size_t line, body;
};

struct record_batch {
	struct buf lines, bodies; /* one record behind the other */
	struct buf ends;          /* a struct record_batch_end for each */
	size_t records;           /* of them */
	size_t written;           /* of these are in the file */
	size_t placed;            /* of these have their place there, though a sync failed */
	struct {
		char key[OBJECT_KEY_MAX];
		int hold; /* descriptor that keeps the entry in the queue (queue_get); -1: none */
		bool bad;
		uint64_t outside; /* packets that count in no record */
	} entry[RECORD_BATCH_ENTRIES];
	size_t entries;
	uint64_t flushes;
};

/* record_batch_init: limit bounds each of the two buffers. */
void record_batch_init(struct record_batch *b, size_t limit);
void record_batch_fini(struct record_batch *b);

/* record_batch_record: what was added to lines and bodies since the last one is a record, as JSON
 * line and as encoded body (nothing: not to be published). 0 or -ENOMEM: it is gone. Records are
 * made where they wait: a large one is held once. */
int record_batch_record(struct record_batch *b);
/* record_batch_drop: what was added since the last record is none. */
void record_batch_drop(struct record_batch *b);
/* record_batch_mark, record_batch_back: takes out what was added since the mark and has no place in
 * the file yet, when an entry's records could not all be made. */
struct record_batch_mark {
	size_t records;
	uint64_t flushes;
};
struct record_batch_mark record_batch_mark(const struct record_batch *b);
/* The number of records taken out. */
size_t record_batch_back(struct record_batch *b, struct record_batch_mark m);
/* record_batch_entry: the records so far include all of this entry; bad: to be set aside instead of
 * removed. Takes the descriptor that holds it, or -1, and closes it when the entry is done. */
void record_batch_entry(struct record_batch *b, const char *key, int hold, bool bad,
			uint64_t outside);
/* record_batch_has_enough: of lines. */
bool record_batch_has_enough(const struct record_batch *b);
bool record_batch_is_full(const struct record_batch *b);
bool record_batch_is_empty(const struct record_batch *b);

/* record_batch_flush: does all there is to do. 0; -errno: try again later, the batch goes on from
 * there.
 */
int record_batch_flush(struct record_batch *b, const struct record_batch_out *o, uint64_t now_ns,
		       struct record_batch_counts *c);

#endif
