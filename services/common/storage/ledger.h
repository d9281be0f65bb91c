/*
 * ledger: what left a queue without a trace in any other file, one line an entry.
 *
 *   <consumer> <key> <packets> 1       an entry
 *   <consumer> - <packets> <entries>   the sum of older entries
 *
 * Three services keep one in STATE_DIR; `lurker audit` reads them all:
 *
 *   flowagg.evicted     entries taken out of the queues to make room (spool_evict)
 *   analyzer.outside    packets of an entry that count in no record
 *   uploader.stored     entries that were stored in S3
 *
 * A line is on disk before the entry's last name goes, so the ledger is exact however a run ended.
 * Two things can make an entry look wrong: after a kill, the same file may come again and be named
 * twice; and an entry that was named may have been finished by its consumer, if the kill came
 * before the name went. So that a reader can tell, the keys of the newest entries are kept.
 */
#ifndef STORAGE_LEDGER_H
#define STORAGE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger_line {
	const char *consumer;
	const char *key; /* NULL: a sum */
	uint64_t packets, entries;
};

/* ledger_read: calls fn with each line; text that is not a line is skipped. 0, also when there is
 * no file; what fn returned, if that is not 0; or -errno. */
int ledger_read(const char *path, int (*fn)(void *arg, const struct ledger_line *l), void *arg);

/* The writer. The file is made with the first entry. When it has grown beyond max_bytes, the older
 * half of its lines is replaced with one sum for each consumer. */
struct ledger {
	const char *path; /* borrowed */
	uint64_t max_bytes, bytes;
	int fd;         /* -1: not open */
	bool unflushed; /* lines need to outlive the process, not a loss of power */
};

#define LEDGER_MAX_BYTES (UINT64_C(4) << 20)

void ledger_init(struct ledger *l, const char *path, uint64_t max_bytes);
/* ledger_add: appends n lines, and flushes them unless `unflushed` is set. 0; -errno: none of the n
 * lines is in the file. */
int ledger_add(struct ledger *l, const struct ledger_line *v, size_t n);
void ledger_close(struct ledger *l);

#endif
