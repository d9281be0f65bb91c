/*
 * work: takes entries from the queue, stores them, announces them, removes them.
 *
 * Each entry in progress has a slot and keeps it through its attempts. So memory, and the number of
 * entries that wait, are bounded by the store's slots; the queue on disk holds the rest. After an
 * outage, the first success wakes every waiting slot.
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
	uint64_t retry_first_ns, retry_max_ns; /* back-off between attempts at one entry */
	uint64_t stuck_ns;                     /* longest wait after OUTCOME_STUCK */
	uint64_t scan_ns;    /* time between scans of the queue without a wake-up */
	uint64_t trouble_ns; /* failures for this time without a success are an outage: alert */
};

/* Called by the worker; each may be NULL. */
struct work_calls {
	/* The object is stored; its entry leaves the queue after this. Called again for the same
	 * key when the entry could not be removed, or after a crash in between. */
	void (*stored)(void *arg, const struct stored *s);
	/* An outage begins (once), or has ended: message is one sentence. */
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
/* work_free: after the store's drain. Entries still in progress stay in the queue. */
void work_free(struct work **w);

/* work_wake: there may be something in the queue. Cheap: wake-ups within 20 ms are one. */
void work_wake(struct work *w);
/* work_flow: the identity of the flow in a file that will come, for the object's metadata. The last
 * few hundred are kept. */
void work_flow(struct work *w, const char *key, size_t nkey, const char *id, size_t nid);
/* work_drain: takes no new entries; waits at most ms for those in progress. */
void work_drain(struct work *w, int ms);

/* work_gauges: entries in progress, and how many of these wait for their next attempt. */
void work_gauges(const struct work *w, uint64_t *under_way, uint64_t *waiting);

#endif
