/*
 * object_store: where objects go. One implementation a destination, behind one table.
 *
 * A put is asynchronous: it ends in done(), during the call or later. A store promises no more: the
 * worker (work.h) decides on retries, and the queue on disk is the truth.
 */
#ifndef UPLOADER_OBJECT_STORE_H
#define UPLOADER_OBJECT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/outcome.h"
#include "storage/spool.h"

struct put {
	char key[OBJECT_KEY_MAX];
	int fd; /* the worker's; valid until done */
	uint64_t bytes;
	uint8_t sha256[32];
	char flow_id[33]; /* hex; empty when not known */
	void *store;      /* for the store's use until done */
	unsigned stage;   /* for the store's use over all attempts at the object; 0 at the first */
};

/* How a put ended. why: one line for the log; NULL with OUTCOME_OK. wait_ns: the least wait that
 * the other side asked for, or 0. */
typedef void (*object_store_done_fn)(void *arg, struct put *p, enum outcome r, const char *why,
				     uint64_t wait_ns);

struct object_store;
struct object_store_class {
	const char *name;
	/* Begins to store p. At most store.slots puts are in progress. */
	void (*put)(struct object_store *s, struct put *p);
	/* No further puts for now: finishes those that wait to be done together. May be NULL. */
	void (*flush)(struct object_store *s);
	/* Housekeeping, one bounded step; true: there is more to do. May be NULL. */
	bool (*tidy)(struct object_store *s);
	/* Waits at most ms for the puts in progress; done() may be called. May be NULL. */
	void (*drain)(struct object_store *s, int ms);
	void (*free)(struct object_store *s);
};

struct object_store {
	const struct object_store_class *class;
	size_t slots;
	/* What a key is appended to, to give the object's URL: "file:///…/" or
	 * "s3://bucket/prefix/". */
	const char *destination;
	object_store_done_fn done;
	void *arg;
};

#endif
