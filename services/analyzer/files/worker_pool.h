/*
 * worker_pool: worker processes that read capture files, and the parent's side of their channels.
 *
 * The parent gives file names to the workers. A worker returns frames: the records of each file in
 * order, then the file's result. A large file goes to all workers, and each keeps its own share of
 * the flows.
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
/* pool_worker_open: opens a file, of which pool_worker_next returns this process's share (shards 1:
 * all of it). Borrows path until the file's POOL_END, which also reports an error. */
void pool_worker_open(struct pool_worker *w, const char *path, uint32_t shard, uint32_t shards);
/* pool_worker_next: the next frame and, for a record, its line, valid until the next call. The last
 * frame of a file is POOL_END. 0; -errno if a record could not be made: the worker cannot be used
 * any more. */
int pool_worker_next(struct pool_worker *w, struct pool_frame *frame, struct bytes *line);

/* Workers in processes of their own. */
struct worker_pool;
int worker_pool_new(const struct worker_pool_options *o, unsigned n, struct worker_pool **out);
void worker_pool_free(struct worker_pool **c);
/* worker_pool_ask: gives a file to worker i. Does not block while the worker has at most POOL_MAX *
 * POOL_AHEAD files to read. */
#define POOL_AHEAD 2
int worker_pool_ask(struct worker_pool *c, unsigned i, const char *path, uint32_t shard,
		    uint32_t shards);
/* worker_pool_read: the next frame of worker i and its line, valid until the next read from i. idle
 * (or NULL) is called while there is nothing to read. 0, -ECHILD if the worker has ended, or
 * -errno. */
int worker_pool_read(struct worker_pool *c, unsigned i, struct pool_frame *frame,
		     struct bytes *line, void (*idle)(void *), void *arg);

#endif
