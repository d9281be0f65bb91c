/*
 * class_table: what class_seen.c and class_seen_file.c share: the classes, with the time each was
 * last seen.
 */
#ifndef CLASS_TABLE_H
#define CLASS_TABLE_H

#include "class/class_seen.h"

#define SEEN_WAYS 8 /* classes in a set */

struct class_seen_entry {
	uint8_t id[CLASS_SEEN_ID];
	uint64_t ts_ns; /* last seen; 0: free */
};

struct class_seen {
	struct class_seen_entry *v;
	size_t sets; /* a power of two */
	struct class_seen_stats stats;
	bool dirty;
};

/* class_seen_put: adds id, or updates its time; true if it was not there. */
bool class_seen_put(struct class_seen *s, const uint8_t id[CLASS_SEEN_ID], uint64_t ts_ns);
void class_seen_clear(struct class_seen *s);

#endif
