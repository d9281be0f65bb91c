/*
 * record_batch: writes records to the file, flushes it, publishes them, and only then completes the
 * queue's entries.
 *
 * Writing several records together saves flushes. If the disk is full, the batch stays and
 * continues where it stopped, so that no record is written twice and none is made again. If a flush
 * fails, all of the batch is written once more, to the same place.
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

/* record_batch_record: ends a record: what was added to lines (JSON) and bodies (encoded; nothing
 * if it is not to be published) since the last one. Records are made in these buffers, so that a
 * large one is held once. 0, or -ENOMEM and the record is dropped. */
int record_batch_record(struct record_batch *b);
/* record_batch_drop: removes what was added since the last record. */
void record_batch_drop(struct record_batch *b);
/* record_batch_mark: the present end of the batch. record_batch_back: removes what was added since
 * the mark and has no place in the file yet; used if not all records of an entry could be made. */
struct record_batch_mark {
	size_t records;
	uint64_t flushes;
};
struct record_batch_mark record_batch_mark(const struct record_batch *b);
/* The number of records taken out. */
size_t record_batch_back(struct record_batch *b, struct record_batch_mark m);
/* record_batch_entry: all records of this entry are in the batch. bad: set the entry aside instead
 * of removing it. Takes the descriptor that holds the entry, or -1, and closes it when the entry is
 * done. */
void record_batch_entry(struct record_batch *b, const char *key, int hold, bool bad,
			uint64_t outside);
/* record_batch_has_enough: whether the lines have reached the size for a flush. */
bool record_batch_has_enough(const struct record_batch *b);
bool record_batch_is_full(const struct record_batch *b);
bool record_batch_is_empty(const struct record_batch *b);

/* record_batch_flush: writes, flushes, publishes and completes everything. 0; -errno: call again
 * later, and the batch continues from there. */
int record_batch_flush(struct record_batch *b, const struct record_batch_out *o, uint64_t now_ns,
		       struct record_batch_counts *c);

#endif
