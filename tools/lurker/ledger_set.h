/*
 * ledger_set: the entries of a consumer's ledgers, each once: files that were evicted from its
 * queue (recorded in the ledger, or moved to STATE_DIR/spool/evicted and not recorded yet, or
 * both), or the files of another ledger of the same form (storage/ledger.h).
 */
#ifndef LURKER_LEDGER_SET_H
#define LURKER_LEDGER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger_set_entry {
	char *key;
	uint64_t packets;
};

struct ledger_set {
	struct ledger_set_entry *v; /* sorted by key */
	size_t n, cap;
	uint64_t older; /* packets of entries so old that their keys are not kept */
	const char *consumer;
};

/* ledger_set_read: the files evicted from a consumer's queue; the name is borrowed until
 * ledger_set_free, which is called in either case. 0 or -errno. */
int ledger_set_read(const char *state_dir, const char *consumer, struct ledger_set *out);
/* ledger_set_read_log: the consumer's entries in one ledger file. */
int ledger_set_read_log(const char *path, const char *consumer, struct ledger_set *out);
void ledger_set_free(struct ledger_set *g);

bool ledger_set_has(const struct ledger_set *g, const char *key);
/* ledger_set_packets: the packets of all entries, without those whose file still exists below one
 * of two directories (-1: none) or whose key is in `but` (NULL: none). */
uint64_t ledger_set_packets(const struct ledger_set *g, int dirfd, int other,
			    const struct ledger_set *but);

#endif
