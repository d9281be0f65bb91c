/*
 * seen: a bounded set of things seen lately, by keyed 64-bit hash.
 *
 * Four ways a set, fixed memory. A full set gives up the entry that would expire first. Used for
 * the sources that proved their address and for the 4-tuples that a RST told us to leave alone.
 */
#ifndef RESPONDER_SEEN_H
#define RESPONDER_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define SEEN_WAYS 4

struct seen_entry {
	uint32_t tag;
	uint32_t until_s; /* 0: empty */
};

struct seen {
	struct seen_entry (*set)[SEEN_WAYS];
	uint32_t mask;
	uint32_t latest_s; /* when the last of all expires */
	uint64_t evicted;  /* entries that had to go before their time */
};

/* seen_init: room for at least entries. 0 or -ENOMEM. */
int seen_init(struct seen *s, uint32_t entries);
void seen_fini(struct seen *s);
void seen_add(struct seen *s, uint64_t hash, uint64_t now_ns, uint64_t keep_ns);
/* seen_none: nothing can be in it now, so that a hash can be spared. */
static inline bool seen_none(const struct seen *s, uint64_t now_ns)
{
	return s->latest_s <= now_ns / UINT64_C(1000000000);
}
bool seen_has(const struct seen *s, uint64_t hash, uint64_t now_ns);

#endif
