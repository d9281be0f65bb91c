/*
 * worker: capture files in, finished records out. What the queue, the workers of SQS and the Lambda
 * function have in common.
 */
#ifndef ANALYZER_WORKER_H
#define ANALYZER_WORKER_H

#include "proto/buf.h"
#include "read/capture_reader.h"
#include "record/dedup.h"
#include "record/history.h"
#include "record/record.h"
#include "who/geo.h"

/* worker_out_fn: takes a record, with its line of JSON. Not 0 ends the file with that result. */
typedef int (*worker_out_fn)(void *arg, const struct record *r, struct bytes line);

struct worker_counts {
	uint64_t bytes, packets, paged_out, turned_away, undecoded, outside, fragments, unfinished;
	uint64_t repeated; /* records that were known and are not made again */
};

struct worker {
	struct capture_reader_options input;
	struct record record;
	struct history history;
	struct who_geo *geo;   /* NULL: none */
	struct dedup *dedup;   /* NULL: every record is new */
	struct buf *line, own; /* own: when the owner gives none */
	struct msg_geo geo_of;
	struct worker_counts counts;
	worker_out_fn out;
	void *arg;
};

/* worker_init: by the settings; out is called by worker_read. page_dir: where flows are paged out to
 * unless the settings name a place. line: to whose end the text of each record is added before out
 * is called, and stays what out makes of it; NULL: out copies what it needs. 0 or -errno, logged.
 * worker_fini also after a failure. */
int worker_init(struct worker *d, const char *page_dir, struct buf *line, worker_out_fn out,
		void *arg);
void worker_fini(struct worker *d);

/* worker_remember: from now on a flow gives one record only, as far as `max` of them are remembered.
 * records: the folder with the records written before, or NULL. 0 or -errno, logged. */
int worker_remember(struct worker *d, size_t max, const char *records);

struct worker_result {
	bool broken; /* the file is none or breaks; the records of what is good were handed out */
	bool unreadable; /* with -EIO: it is the file that could not be read now, no other place */
	uint64_t records;
	uint64_t outside; /* packets that count in no record */
	char why[192];
};

/* worker_read: takes the descriptor. 0, also for a broken file; -errno: not all of its records were
 * handed out, the file is to be read again, and nothing of it is counted. src->broken is set. */
int worker_read(struct worker *d, int fd, struct record_source *src, struct worker_result *res);

#endif
