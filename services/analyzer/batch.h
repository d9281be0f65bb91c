/*
 * batch: records on their way out: first into the file, then to disk, then onto the bus; only then
 * are the queue's entries done.
 *
 * Appending several together saves flushes. When the disk is full the batch stays as it is and goes
 * on where it stopped, so that no record is written twice and none is made anew. When it is not
 * sure to be on disk all of it is written once more, to the same place.
 */
#ifndef ANALYZER_BATCH_H
#define ANALYZER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"
#include "storage/spool.h"

#define BATCH_ENTRIES 256
/* Bytes of records from which a batch is not added to. */
#define BATCH_FULL (16u << 20)
/* What a batch keeps of its memory, of each kind. */
#define BATCH_KEEP (256u << 10)

struct evicted_log;
struct records;
struct queue;

/* Where a batch goes. */
struct batch_out {
	struct records *records;
	struct queue *queue; /* of the entries; NULL: there are none */
	struct evicted_log
		*outside; /* where packets of entries that count in no record are noted */
	/* Publishes one encoded record. */
	void (*publish)(void *arg, struct bytes body);
	void *arg;
};

struct batch_counts {
	uint64_t records, entries, set_aside, stuck_entries;
};

/* Where a record ends in lines and in bodies. */
struct batch_end {
	size_t line, body;
};

struct batch {
	struct buf lines, bodies; /* one record behind the other */
	struct buf ends;          /* a struct batch_end for each */
	size_t records;           /* of them */
	size_t written;           /* of these are in the file */
	size_t placed;            /* of these have their place there, though a sync failed */
	struct {
		char key[SPOOL_KEY_MAX];
		int hold; /* descriptor that keeps the entry in the queue (queue_get); -1: none */
		bool bad;
		uint64_t outside; /* packets that count in no record */
	} entry[BATCH_ENTRIES];
	size_t entries;
	uint64_t flushes;
};

/* batch_init: limit bounds each of the two buffers. */
void batch_init(struct batch *b, size_t limit);
void batch_fini(struct batch *b);

/* batch_record: what was added to lines and bodies since the last one is a record, as JSON line and
 * as encoded body (nothing: not to be published). 0 or -ENOMEM: it is gone. Records are made where
 * they wait: a large one is held once. */
int batch_record(struct batch *b);
/* batch_drop: what was added since the last record is none. */
void batch_drop(struct batch *b);
/* batch_mark, batch_back: takes out what was added since the mark and has no place in the file yet,
 * when an entry's records could not all be made. */
struct batch_mark {
	size_t records;
	uint64_t flushes;
};
struct batch_mark batch_mark(const struct batch *b);
/* The number of records taken out. */
size_t batch_back(struct batch *b, struct batch_mark m);
/* batch_entry: the records so far include all of this entry; bad: to be set aside instead of
 * removed. Takes the descriptor that holds it, or -1, and closes it when the entry is done. */
void batch_entry(struct batch *b, const char *key, int hold, bool bad, uint64_t outside);
/* batch_has_enough: of lines. */
bool batch_has_enough(const struct batch *b);
bool batch_is_full(const struct batch *b);
bool batch_is_empty(const struct batch *b);

/* batch_flush: does all there is to do. 0; -errno: try again later, the batch goes on from there.
 */
int batch_flush(struct batch *b, const struct batch_out *o, uint64_t now_ns,
		struct batch_counts *c);

#endif
