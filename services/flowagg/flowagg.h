/*
 * flowagg: the service's state: one struct that every callback gets.
 */
#ifndef FLOWAGG_FLOWAGG_H
#define FLOWAGG_FLOWAGG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "flowagg/agg.h"
#include "flowagg/conf.h"
#include "flowagg/deliver.h"
#include "flowagg/flowagg_count.h"
#include "flowagg/journal_follow.h"
#include "flowagg/save.h"
#include "flowagg/totals.h"
#include "storage/home.h"

/* What the alerts about a full spool depend on. */
struct spool_watch {
	bool full;               /* the spool is full, and the alert is out */
	uint64_t given_up;       /* files evicted or rejected */
	uint64_t given_up_at_ns; /* when given_up last rose, monotonic */
};
/* What spool_watch_look found. */
enum spool_turn { SPOOL_STAYS, SPOOL_FILLED, SPOOL_RELIEVED };

struct flowagg {
	struct conf conf;
	struct svc *svc;
	struct agg agg;
	struct deliver deliver;
	struct totals totals;
	struct saver saver;
	struct journal_follow follow;
	struct home home; /* networks of the sensor */
	ino_t home_inode; /* of the file that `home` was read from */
	char journal_dir[4096], checkpoint[4096], evicted[4096];
	int lock;   /* keeps other flowaggs off the state directory */
	bool ready; /* started, and not drained yet */
	struct spool_watch spool_watch;
	uint64_t count[FLOWAGG_COUNTS];
};

/* flowagg_begin: locks and restores the state, and begins to follow the journal; conf and home are
 * set. 0, or -errno after logging why. */
int flowagg_begin(struct flowagg *f, struct svc *s);
/* flowagg_end: releases everything, without saving. */
void flowagg_end(struct flowagg *f);

/* flowagg_fill: brings count up to date for `stat`. */
void flowagg_fill(struct flowagg *f);

/* spool_watch_look: tells from the counters of evicted and rejected files whether the spool became
 * full or was relieved. It is relieved when no file was evicted or rejected for SPOOL_WELL_NS. */
#define SPOOL_WELL_NS (600 * UINT64_C(1000000000))
enum spool_turn spool_watch_look(struct spool_watch *w, const uint64_t *count, uint64_t now_ns);

#endif
