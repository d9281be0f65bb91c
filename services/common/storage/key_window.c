#include "storage/key_window.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int key_window_init(struct key_window *w, size_t max, int (*order)(const char *a, const char *b))
{
	*w = (struct key_window){.max = max, .order = order};
	w->room = calloc(max, sizeof *w->room);
	w->key = calloc(max, sizeof *w->key);
	if (w->room && w->key)
		return 0;
	key_window_fini(w);
	return -ENOMEM;
}

void key_window_fini(struct key_window *w)
{
	free(w->room);
	free(w->key);
	*w = (struct key_window){0};
}

void key_window_clear(struct key_window *w)
{
	w->n = 0;
	w->more = false;
}

/* While keys come they are a heap with the largest at its root. */
static void key_window_sift_up(struct key_window *w, size_t i)
{
	char *key = w->key[i];

	for (size_t up; i > 0 && w->order(w->key[up = (i - 1) / 2], key) < 0; i = up)
		w->key[i] = w->key[up];
	w->key[i] = key;
}

static void key_window_sift_down(struct key_window *w, size_t i, size_t n)
{
	char *key = w->key[i];

	for (size_t down; (down = 2 * i + 1) < n; i = down) {
		if (down + 1 < n && w->order(w->key[down], w->key[down + 1]) < 0)
			down++;
		if (w->order(w->key[down], key) <= 0)
			break;
		w->key[i] = w->key[down];
	}
	w->key[i] = key;
}

void key_window_add(struct key_window *w, const char *key)
{
	if (w->n < w->max) {
		w->key[w->n] = w->room[w->n];
		snprintf(w->key[w->n], sizeof w->room[0], "%s", key);
		key_window_sift_up(w, w->n++);
		return;
	}
	w->more = true;
	if (w->order(key, w->key[0]) >= 0)
		return;
	snprintf(w->key[0], sizeof w->room[0], "%s", key);
	key_window_sift_down(w, 0, w->n);
}

void key_window_sort(struct key_window *w)
{
	size_t n = 0;

	for (size_t end = w->n; end > 1; end--) {
		char *last = w->key[end - 1];
		w->key[end - 1] = w->key[0];
		w->key[0] = last;
		key_window_sift_down(w, 0, end - 1);
	}
	for (size_t i = 0; i < w->n; i++)
		if (!n || w->order(w->key[n - 1], w->key[i]) != 0)
			w->key[n++] = w->key[i];
	w->n = n;
}
