/*
 * key_window: the first `max` keys, in order, of any number of keys.
 *
 * A folder of any length is worked through in order with bounded memory: add all names that come
 * after the last key taken, sort, take the keys, clear, and begin again. Adding a key costs at most
 * log2(max) comparisons, whatever the order in which keys come.
 */
#ifndef STORAGE_KEY_WINDOW_H
#define STORAGE_KEY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/spool.h"

struct key_window {
	char (*room)[OBJECT_KEY_MAX];
	/* n of them; in order, and each once, from key_window_sort to key_window_clear */
	char **key;
	size_t n, max;
	bool more; /* there were more than max keys */
	int (*order)(const char *a, const char *b);
};

/* key_window_init: room for max keys; order compares two keys as strcmp does. 0 or -ENOMEM. */
int key_window_init(struct key_window *w, size_t max, int (*order)(const char *a, const char *b));
void key_window_fini(struct key_window *w);
void key_window_clear(struct key_window *w);

/* key_window_add: keeps a copy of key if it is among the first. Not to be called between
 * key_window_sort and key_window_clear. */
void key_window_add(struct key_window *w, const char *key);
void key_window_sort(struct key_window *w);

#endif
