/*
 * worker_pool: worker processes that read capture files, and the parent's end of their lanes.
 *
 * The parent hands each worker file names; the worker answers with frames: the records of each file
 * in order, then the file's result. A large file goes to all workers, of which each keeps its share
 * of the flows.
 */
#ifndef ANALYZER_WORKER_POOL_H
#define ANALYZER_WORKER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/capture_reader.h"
#include "record/history.h"
#include "record/record_text.h"
#include "who/geo.h"

#define POOL_MAX 16

/* How files become records: of every worker. */
struct worker_pool_options {
	struct capture_reader_options input;
	const char *sensor;
	const char *destination; /* NULL: file:// and the file's own path */
	enum record_format format;
	struct who_geo *geo; /* NULL: none */
};

struct pool_frame {
	enum { POOL_RECORD, POOL_END } type;
	uint32_t len; /* of what follows: the line, or nothing */
	bool bare;
	uint64_t first_ns, first_no;
	struct history_in history;
	int rc; /* POOL_END: 0, or -errno: the file could not be read at all */
	struct capture_reader_result result; /* POOL_END */
};

/* A worker in this process. */
struct pool_worker;
int pool_worker_new(const struct worker_pool_options *o, struct pool_worker **out);
void pool_worker_free(struct pool_worker **w);
/* pool_worker_open: begins with a file, of which pool_worker_next gives this process's share;
 * shards 1: all of it. Borrows path until the file's POOL_END. What fails is told there. */
void pool_worker_open(struct pool_worker *w, const char *path, uint32_t shard, uint32_t shards);
/* pool_worker_next: the next frame and, of a record, its line, valid until the next call. The last
 * frame of a file is a POOL_END. 0; -errno: a record could not be made, the worker is of no more
 * use. */
int pool_worker_next(struct pool_worker *w, struct pool_frame *frame, struct bytes *line);

/* Workers in processes of their own. */
struct worker_pool;
int worker_pool_new(const struct worker_pool_options *o, unsigned n, struct worker_pool **out);
void worker_pool_free(struct worker_pool **c);
/* worker_pool_ask: gives worker i a file. Does not block while it has no more than POOL_MAX *
 * POOL_AHEAD to answer. */
#define POOL_AHEAD 2
int worker_pool_ask(struct worker_pool *c, unsigned i, const char *path, uint32_t shard,
		    uint32_t shards);
/* worker_pool_read: the next frame of worker i and its line, valid until the next read from i. 0,
 * -ECHILD when the worker died, or -errno. idle (NULL: nothing) is called while there is nothing to
 * read.
 */
int worker_pool_read(struct worker_pool *c, unsigned i, struct pool_frame *frame,
		     struct bytes *line, void (*idle)(void *), void *arg);

#endif
