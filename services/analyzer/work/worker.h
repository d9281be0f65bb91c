/*
 * worker: one capture file after another in, finished records out. What the queue, the workers of
 * SQS and the Lambda function have in common.
 *
 *   rc = worker_open(w, fd, &src);
 *   while (!rc && (rc = worker_next(w)) == 1)
 *           rc = …;                           w->record; worker_json
 *   rc = worker_close(w, rc, &res);
 */
#ifndef ANALYZER_WORKER_H
#define ANALYZER_WORKER_H

#include "proto/buf.h"
#include "read/capture_reader.h"
#include "record/dedup.h"
#include "record/history.h"
#include "record/record.h"
#include "who/geo.h"

struct conf;

/* Of all files read so far. */
struct worker_counts {
	uint64_t bytes, packets, paged_out, turned_away, undecoded, outside, fragments, unfinished;
	uint64_t repeated; /* records that had been made before (dedup) and were not made again */
};

struct worker {
	struct capture_reader_options reading;
	struct history history;
	struct who_geo *geo; /* NULL: none */
	struct dedup *dedup; /* NULL: every record is new */
	struct worker_counts counts;
	/* The current file and its current record. */
	struct capfile *file; /* NULL: none, or it could not be opened */
	struct capture_reader reader;
	struct record record;
	struct msg_geo geo_of;
	uint64_t given; /* records of this file that worker_next gave */
	int open_rc;    /* of the file */
	char why[192];
};

/* worker_init: page_dir is where flows are paged out to unless the configuration names a place.
 * Borrows c and page_dir. 0 or -errno, logged; worker_fini also then. */
int worker_init(struct worker *w, const struct conf *c, const char *page_dir);
void worker_fini(struct worker *w);

/* worker_remember: from now on a flow gives one record only, as far as the last `max` are
 * remembered. records: the folder with the records written before, or NULL. 0 or -errno, logged. */
int worker_remember(struct worker *w, size_t max, const char *records);

/* worker_forget: the last n records that worker_next gave were not taken: they are not remembered.
 */
void worker_forget(struct worker *w, size_t n);

/* worker_open: reads the packets of a file. Takes the descriptor; borrows src until worker_close,
 * and sets src->broken. 0, also for a file that is no capture or breaks; else -errno. */
int worker_open(struct worker *w, int fd, struct record_source *src);

/* worker_next: the next record, in w->record until the next call. 1, 0 at the end, or -errno. */
int worker_next(struct worker *w);

/* worker_json: appends the record's line of JSON to `to`, without a newline. 0; -errno: nothing was
 * appended. */
int worker_json(const struct worker *w, struct buf *to);

/* What became of a file. */
struct worker_result {
	bool broken;     /* it is no capture, or breaks; the records of what is good were given */
	bool unreadable; /* with -EIO: the file itself cannot be read now, not some other place */
	uint64_t records;
	uint64_t outside; /* packets that count in no record */
	char why[192];
};

/* worker_close: ends the file; to be called after every worker_open. rc: what reading it, or taking
 * its records, ended with. 0, also for a broken file; -errno: not all of its records were taken,
 * the file is to be read again, and none of it is counted. */
int worker_close(struct worker *w, int rc, struct worker_result *res);

#endif
