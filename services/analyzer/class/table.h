/*
 * table: what seen.c and seen_file.c share: the classes and when each was last seen.
 */
#ifndef CLASS_TABLE_H
#define CLASS_TABLE_H

#include "class/seen.h"

#define SEEN_WAYS 8 /* classes in a set */

struct seen_entry {
	uint8_t id[SEEN_ID];
	uint64_t ts_ns; /* last seen; 0: free */
};

struct seen {
	struct seen_entry *v;
	size_t sets; /* a power of two */
	struct seen_stats stats;
	bool dirty;
};

/* seen_put: true when id was not there. */
bool seen_put(struct seen *s, const uint8_t id[SEEN_ID], uint64_t ts_ns);
void seen_clear(struct seen *s);

#endif
