/*
 * spool_own: what the two halves of the sealer's side share: files in (spool.c), bundles out
 * (spool_evict.c).
 */
#ifndef STORAGE_SPOOL_OWN_H
#define STORAGE_SPOOL_OWN_H

#include <sys/stat.h>

#include "storage/key_window.h"
#include "storage/spool.h"

/* A file counts by its share of links: with two consumers each of its two links counts for half.
 * Sums are in 1/SHARES, which 1 to 10 links divide. */
#define SHARES 2520u
struct spool_sum {
	uint64_t bytes, files;
};

struct spool_pending {
	char key[OBJECT_KEY_MAX];
	int fd; /* -1 once it was flushed and closed */
	uint64_t bytes;
	bool linked; /* into a queue, by a commit that failed then */
	bool again;  /* a queue has it: a run was killed before it recorded it. It needs no room */
	size_t in;   /* that queue */
};

/* Where the search for the oldest bundle is. */
struct spool_search {
	char hour[OBJECT_KEY_MAX]; /* the folder looked at; "": none yet */
	char last[OBJECT_KEY_MAX]; /* the key found last; "": none of this hour */
	struct key_window found;   /* of that hour, after `last`; allocated when first needed */
	size_t at;
	uint64_t found_ns;      /* when something was found last */
	uint64_t none_until_ns; /* there was nothing: no further search before */
};

struct spool {
	int dirfd;
	/* Folders of queue/: first those of the consumers that get files, then others that are
	 * there. */
	char *queues[SPOOL_QUEUES];
	size_t nconsumers, nqueues;
	struct spool_limits limits;
	struct spool_sum use; /* an upper bound: what a recount found and came in since */
	uint64_t counted_ns, count_cost_ns;
	struct spool_pending *pending;
	size_t npending, looked_at; /* of the first looked_at it is known whether they come again */
	struct spool_use needs;     /* room for pending files that are new or not looked at yet */
	bool committed;
	/* -errno of the flush that failed: what is pending will never be known to be on disk */
	int lost;
	struct spool_search search;
};

/* A scan of the queues is not repeated before this many times its duration has passed. */
#define SPOOL_REST 8

/* spool_share: what one link of the file counts. */
struct spool_sum spool_share(const struct stat *st);

#endif
