/*
 * recent_set: a bounded set of things seen lately, by keyed 64-bit hash.
 *
 * Four ways a set, fixed memory. A full set gives up the entry that would expire first. Used for
 * the sources that proved their address and for the 4-tuples that a RST told us to leave alone.
 */
#ifndef RESPONDER_RECENT_SET_H
#define RESPONDER_RECENT_SET_H

#include <stdbool.h>
#include <stdint.h>

#define RECENT_SET_WAYS 4

struct recent_set_entry {
	uint32_t tag;
	uint32_t until_s; /* 0: empty */
};

struct recent_set {
	struct recent_set_entry (*set)[RECENT_SET_WAYS];
	uint32_t mask;
	uint32_t latest_s; /* when the last of all expires */
	uint64_t evicted;  /* entries replaced before they expired */
};

/* recent_set_init: room for at least entries. 0 or -ENOMEM. */
int recent_set_init(struct recent_set *s, uint32_t entries);
void recent_set_fini(struct recent_set *s);
void recent_set_add(struct recent_set *s, uint64_t hash, uint64_t now_ns, uint64_t keep_ns);
/* recent_set_none: whether the set is surely empty, so that the caller can skip the hash. */
static inline bool recent_set_none(const struct recent_set *s, uint64_t now_ns)
{
	return s->latest_s <= now_ns / UINT64_C(1000000000);
}
bool recent_set_has(const struct recent_set *s, uint64_t hash, uint64_t now_ns);

#endif
