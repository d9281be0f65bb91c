/*
 * store: where objects go. One implementation a destination, behind one table.
 *
 * A put is asynchronous: it ends in done(), during the call or later. A store keeps no promise
 * beyond that: the worker decides on retries, and the queue on disk is the truth.
 */
#ifndef UPLOADER_STORE_H
#define UPLOADER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/spool.h"

enum store_result {
	STORE_DONE,  /* it is there, durably, with these bytes */
	STORE_RETRY, /* the fault may pass: outage, timeout, throttling, full disk */
	STORE_STUCK, /* every object would fail until a person acts: refused key, missing bucket */
	STORE_REFUSED, /* this object will never be taken, others will */
};

struct put {
	char key[SPOOL_KEY_MAX];
	int fd; /* the worker's; valid until done */
	uint64_t bytes;
	uint8_t sha256[32];
	char flow_id[33]; /* hex; empty when not known */
	void *store;      /* for the store's use until done */
	unsigned stage;   /* for the store's use over all tries of the object; 0 at the first */
};

/* why: one line for the log; NULL with STORE_DONE. wait_ns: the least time the other side asked us
 * to wait, or 0. */
typedef void (*store_done_fn)(void *arg, struct put *p, enum store_result r, const char *why,
			      uint64_t wait_ns);

struct store;
struct store_class {
	const char *name;
	/* Begins to store p. At most store.slots puts are under way. */
	void (*put)(struct store *s, struct put *p);
	/* No further puts for now: what waits for company is to be finished. May be NULL. */
	void (*flush)(struct store *s);
	/* Housekeeping, a bounded step; true: there is more at hand. May be NULL. */
	bool (*tidy)(struct store *s);
	/* Ends what is under way, for at most ms; done() may be called meanwhile. May be NULL. */
	void (*drain)(struct store *s, int ms);
	void (*free)(struct store *s);
};

struct store {
	const struct store_class *class;
	size_t slots;
	/* What a key is appended to, to give the object's URL: "file:///…/" or
	 * "s3://bucket/prefix/". */
	const char *destination;
	store_done_fn done;
	void *arg;
};

#endif
