/*
 * crew: worker processes that read capture files, and the parent's end of their lanes.
 *
 * The parent hands each worker file names; the worker answers with frames: the records of each file
 * in order, then the file's result. A large file goes to all workers, of which each keeps its share
 * of the flows.
 */
#ifndef ANALYZER_CREW_H
#define ANALYZER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history.h"
#include "input.h"
#include "out.h"
#include "who/geo.h"

#define CREW_MAX 16

/* How files become records: of every worker. */
struct crew_options {
	struct input_options input;
	const char *sensor;
	const char *destination; /* NULL: file:// and the file's own path */
	enum out_format format;
	struct who_geo *geo; /* NULL: none */
};

struct crew_frame {
	enum { CREW_RECORD, CREW_END } type;
	uint32_t len; /* of what follows: the line, or nothing */
	bool bare;
	uint64_t first_ns, first_no;
	struct history_in history;
	int rc;                     /* CREW_END: 0, or -errno: the file could not be read at all */
	struct input_result result; /* CREW_END */
};

/* crew_fn: takes a frame and, of a record, its line. Not 0 ends the file with that result. */
typedef int (*crew_fn)(void *arg, const struct crew_frame *frame, struct bytes line);

/* crew_work: reads one file in this process. shards 1: all of it. 0 or what fn returned. */
struct crew_self;
int crew_self_new(const struct crew_options *o, struct crew_self **out);
void crew_self_free(struct crew_self **w);
int crew_work(struct crew_self *w, const char *path, uint32_t shard, uint32_t shards, crew_fn fn,
	      void *arg);

/* Workers in processes of their own. */
struct crew;
int crew_new(const struct crew_options *o, unsigned n, struct crew **out);
void crew_free(struct crew **c);
/* crew_ask: gives worker i a file. Does not block while it has no more than CREW_MAX * CREW_AHEAD
 * to answer. */
#define CREW_AHEAD 2
int crew_ask(struct crew *c, unsigned i, const char *path, uint32_t shard, uint32_t shards);
/* crew_read: the next frame of worker i and its line, valid until the next read from i. 0, -ECHILD
 * when the worker died, or -errno. idle (NULL: nothing) is called while there is nothing to read.
 */
int crew_read(struct crew *c, unsigned i, struct crew_frame *frame, struct bytes *line,
	      void (*idle)(void *), void *arg);

#endif
