/*
 * smallest: the so many smallest of any number of keys, sorted, each once. So a folder of any length is
 * worked through in order with bounded memory: fill, take all, fill again with what comes after the last.
 */
#ifndef RT_SMALLEST_H
#define RT_SMALLEST_H

#include <stddef.h>

#include "rt/spool.h"

struct smallest {
	char (*key)[SPOOL_KEY_MAX];
	size_t n, max;
	int (*order)(const char *a, const char *b);
};

/* smallest_init: room for max keys, in the order of a function such as strcmp. 0 or -ENOMEM. */
int smallest_init(struct smallest *s, size_t max, int (*order)(const char *a, const char *b));
void smallest_fini(struct smallest *s);

/* smallest_add: takes a copy if it is among the smallest and not there yet. */
void smallest_add(struct smallest *s, const char *key);

#endif
