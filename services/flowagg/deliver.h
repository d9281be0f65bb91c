/*
 * deliver: writes sealed files to the spool in batches, and announces each file once it is on disk
 * and in every queue. When the spool is full, the oldest bundles are evicted (storage/spool.h);
 * when there is none, the new file is rejected.
 */
#ifndef FLOWAGG_DELIVER_H
#define FLOWAGG_DELIVER_H

#include "flowagg/agg.h"
#include "flowagg/seallog.h"
#include "rt/bus.h"
#include "storage/ledger.h"
#include "storage/spool.h"

struct deliver {
	struct spool *spool;
	struct seallog log;
	struct bus *bus;
	const char *sensor;
	const char *journal_dir;
	uint64_t *m;
	struct announcement *pending; /* SPOOL_BATCH */
	size_t npending;
	uint64_t pending_packets, pending_bytes;
	struct ledger evicted;
	struct eviction
		*evictions; /* EVICTIONS: entries taken out of queues but not recorded yet */
	size_t nevictions;
	uint8_t *buf; /* for writing */
	size_t fill;
	int fd;
	int error; /* the disk's last error; 0: it works */
};

struct deliver_options {
	const char *spool_dir, *log_path, *evicted_path, *journal_dir, *sensor;
	const char *const *consumers;
	size_t nconsumers;
	struct spool_limits limits;
	uint64_t from; /* next seal number of the checkpoint */
};

/* deliver_init: borrows strings, bus and metrics, and finishes evictions that an earlier run began.
 * 0 or -errno. */
int deliver_init(struct deliver *d, const struct deliver_options *o, struct bus *bus,
		 uint64_t *metrics);
void deliver_fini(struct deliver *d);

/* deliver_seal: an agg_seal_fn; arg is the struct deliver. Commits by itself when a batch is full.
 * A file that the disk refuses for now is not accepted; one that it refuses for good is counted and
 * dropped. */
int deliver_seal(void *arg, const struct agg_sealed *s);

/* deliver_commit: finishes evictions, puts the pending files into the queues and announces them. 0,
 * or -errno: they stay pending. */
int deliver_commit(struct deliver *d);

#endif
