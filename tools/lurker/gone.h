/*
 * gone: what was taken out of a consumer's queue to make room (storage/evicted.h), each entry once, also
 * when it is recorded but not unlinked yet, or the other way round.
 */
#ifndef LURKER_GONE_H
#define LURKER_GONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gone_entry {
	char *key;
	uint64_t packets;
};

struct gone {
	struct gone_entry *v; /* by key */
	size_t n, cap;
	uint64_t older; /* packets in entries so old that their keys are not kept */
	const char *consumer;
};

/* gone_read: of one consumer, a constant. 0 or -errno; gone_free in any case. */
int gone_read(const char *state_dir, const char *consumer, struct gone *out);
/* gone_read_log: of a file of that form alone. */
int gone_read_log(const char *path, const char *consumer, struct gone *out);
void gone_free(struct gone *g);

bool gone_has(const struct gone *g, const char *key);
/* gone_packets: of all entries but those that are, after all, a file below one of two directories
 * (-1: none), or stand in `but` (NULL: nothing). */
uint64_t gone_packets(const struct gone *g, int dirfd, int other, const struct gone *but);

#endif
