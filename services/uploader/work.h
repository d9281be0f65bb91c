/*
 * work: takes entries from the queue, has the store take them, announces them, removes them.
 *
 * Each entry at hand has a slot; a slot keeps its entry through all attempts, so memory and the number
 * of entries that wait are bounded by the store's slots, and the queue on disk holds the rest. One
 * success wakes every waiting slot: after an outage, the first try that passes ends it for all.
 */
#ifndef UPLOADER_WORK_H
#define UPLOADER_WORK_H

#include "object_store.h"
#include "rt/loop.h"
#include "storage/spool.h"

struct work;

/* An entry that is stored and about to leave the queue. */
struct stored {
	const struct put *put;
	const char *url; /* destination plus key */
	uint64_t stored_ns;
	unsigned attempts; /* at least 1 */
};

struct work_conf {
	uint64_t retry_first_ns, retry_max_ns; /* back-off between attempts of one entry */
	uint64_t stuck_ns;   /* between attempts while the store is OUTCOME_STUCK */
	uint64_t scan_ns;    /* how often the queue is looked at without a wake-up */
	uint64_t trouble_ns; /* so long without a success, with failures, is worth an alert */
};

/* Called by the worker; each may be NULL. */
struct work_calls {
	/* The object is stored; its entry leaves the queue after this. Called again for the same
	 * key when the entry could not be removed, or after a crash in between. */
	void (*stored)(void *arg, const struct stored *s);
	/* Trouble begins (once) or has ended: message is one sentence. */
	void (*trouble)(void *arg, bool begins, bool stuck, const char *message);
	void *arg;
};

struct work_counts {
	uint64_t stored, stored_bytes, attempts, retries, stuck, set_aside;
};

/* work_new: begins at once. Borrows all it is given (conf and calls are copied) for its life. 0 or
 * -errno. */
int work_new(struct loop *l, struct queue *q, struct object_store *s, const struct work_conf *conf,
	     const struct work_calls *calls, struct work_counts *counts, struct work **out);
/* work_free: after the store's drain: forgets what is still under way; its entries are in the
 * queue. */
void work_free(struct work **w);

/* work_wake: there may be something in the queue. Cheap: wake-ups that come together are served
 * together. */
void work_wake(struct work *w);
/* work_flow: the identity of the flow in a file that will come by, for the object's metadata. Kept
 * for the last few hundred. */
void work_flow(struct work *w, const char *key, size_t nkey, const char *id, size_t nid);
/* work_drain: takes no new entries, lets what is under way end for at most ms. */
void work_drain(struct work *w, int ms);

/* Entries at hand, and those of them that wait for their next try. */
void work_gauges(const struct work *w, uint64_t *under_way, uint64_t *waiting);

#endif
