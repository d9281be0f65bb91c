/*
 * smallest: the so many smallest of any number of keys, sorted, each once. So a folder of any
 * length is worked through in order with bounded memory: fill, sort, take all, fill again with what
 * comes after the last. A key costs at most log2(max) comparisons, in whichever order they come.
 */
#ifndef STORAGE_SPOOL_SMALLEST_H
#define STORAGE_SPOOL_SMALLEST_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/spool.h"

struct smallest {
	char (*room)[SPOOL_KEY_MAX];
	char **key; /* in order from smallest_sort on, until smallest_clear */
	size_t n, max;
	bool more; /* keys came that found no room */
	int (*order)(const char *a, const char *b);
};

/* smallest_init: room for max keys, in the order of a function such as strcmp. 0 or -ENOMEM. */
int smallest_init(struct smallest *s, size_t max, int (*order)(const char *a, const char *b));
void smallest_fini(struct smallest *s);
void smallest_clear(struct smallest *s);

/* smallest_add: takes a copy if it is among the smallest. Not between smallest_sort and
 * smallest_clear. */
void smallest_add(struct smallest *s, const char *key);
void smallest_sort(struct smallest *s);

#endif
