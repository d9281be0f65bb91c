#include "storage/spool_smallest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int smallest_init(struct smallest *s, size_t max, int (*order)(const char *a, const char *b))
{
	*s = (struct smallest){.max = max, .order = order};
	s->room = calloc(max, sizeof *s->room);
	s->key = calloc(max, sizeof *s->key);
	if (s->room && s->key)
		return 0;
	smallest_fini(s);
	return -ENOMEM;
}

void smallest_fini(struct smallest *s)
{
	free(s->room);
	free(s->key);
	*s = (struct smallest){0};
}

void smallest_clear(struct smallest *s)
{
	s->n = 0;
	s->more = false;
}

/* While keys come they are a heap with the largest at its root. */
static void sift_up(struct smallest *s, size_t i)
{
	char *key = s->key[i];

	for (size_t up; i > 0 && s->order(s->key[up = (i - 1) / 2], key) < 0; i = up)
		s->key[i] = s->key[up];
	s->key[i] = key;
}

static void sift_down(struct smallest *s, size_t i, size_t n)
{
	char *key = s->key[i];

	for (size_t down; (down = 2 * i + 1) < n; i = down) {
		if (down + 1 < n && s->order(s->key[down], s->key[down + 1]) < 0)
			down++;
		if (s->order(s->key[down], key) <= 0)
			break;
		s->key[i] = s->key[down];
	}
	s->key[i] = key;
}

void smallest_add(struct smallest *s, const char *key)
{
	if (s->n < s->max) {
		s->key[s->n] = s->room[s->n];
		snprintf(s->key[s->n], sizeof s->room[0], "%s", key);
		sift_up(s, s->n++);
		return;
	}
	s->more = true;
	if (s->order(key, s->key[0]) >= 0)
		return;
	snprintf(s->key[0], sizeof s->room[0], "%s", key);
	sift_down(s, 0, s->n);
}

void smallest_sort(struct smallest *s)
{
	size_t n = 0;

	for (size_t end = s->n; end > 1; end--) {
		char *last = s->key[end - 1];
		s->key[end - 1] = s->key[0];
		s->key[0] = last;
		sift_down(s, 0, end - 1);
	}
	for (size_t i = 0; i < s->n; i++)
		if (!n || s->order(s->key[n - 1], s->key[i]) != 0)
			s->key[n++] = s->key[i];
	s->n = n;
}
