/*
 * evicted: the record of queue entries that were taken out to make room (spool_evict),
 * STATE_DIR/flowagg.evicted.
 *
 *   <consumer> <key> <packets> 1       an entry
 *   <consumer> - <packets> <entries>   the sum of older ones
 *
 * Two services write files of the same form, of what else leaves a queue without a trace in other
 * files: STATE_DIR/analyzer.outside, packets that count in no record, and
 * STATE_DIR/uploader.stored, files that are in S3.
 *
 * A line is on disk before the entry's last name goes, so the record is exact however a run ended.
 * Whoever reads it should know that an entry may be named twice (a kill and, after it, the same
 * file once more), or have been finished by its consumer all the same (a kill before its name
 * went): so keys are kept for the newest.
 */
#ifndef STORAGE_EVICTED_H
#define STORAGE_EVICTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evicted {
	const char *consumer;
	const char *key; /* NULL: a sum */
	uint64_t packets, entries;
};

/* evicted_read: calls fn with each line; what is no line is passed over. 0 (also when there is no
 * file), what fn returned if that is not 0, or -errno. */
int evicted_read(const char *path, int (*fn)(void *arg, const struct evicted *e), void *arg);

/* The file is made with the first entry. Beyond max_bytes the older half is added up. */
struct evicted_log {
	const char *path; /* borrowed */
	uint64_t max_bytes, bytes;
	int fd;         /* -1: not open */
	bool unflushed; /* a line need not outlive the loss of power, only the process */
};

#define EVICTED_MAX_BYTES (UINT64_C(4) << 20)

void evicted_init(struct evicted_log *l, const char *path, uint64_t max_bytes);
/* evicted_add: appends n entries and flushes them, unless unflushed. 0; -errno: none of them is in
 * it. */
int evicted_add(struct evicted_log *l, const struct evicted *v, size_t n);
void evicted_close(struct evicted_log *l);

#endif
