/*
 * ledger_set: what was taken out of a consumer's queue to make room (storage/ledger.h), each entry once, also
 * when it is recorded but not unlinked yet, or the other way round.
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
	struct ledger_set_entry *v; /* by key */
	size_t n, cap;
	uint64_t older; /* packets in entries so old that their keys are not kept */
	const char *consumer;
};

/* ledger_set_read: of one consumer, a constant. 0 or -errno; ledger_set_free in any case. */
int ledger_set_read(const char *state_dir, const char *consumer, struct ledger_set *out);
/* ledger_set_read_log: of a file of that form alone. */
int ledger_set_read_log(const char *path, const char *consumer, struct ledger_set *out);
void ledger_set_free(struct ledger_set *g);

bool ledger_set_has(const struct ledger_set *g, const char *key);
/* ledger_set_packets: of all entries but those that are, after all, a file below one of two directories
 * (-1: none), or stand in `but` (NULL: nothing). */
uint64_t ledger_set_packets(const struct ledger_set *g, int dirfd, int other,
			    const struct ledger_set *but);

#endif
