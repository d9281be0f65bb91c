#include "rt/smallest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int smallest_init(struct smallest *s, size_t max, int (*order)(const char *a, const char *b))
{
	*s = (struct smallest){.max = max, .order = order};
	s->key = calloc(max, sizeof *s->key);
	return s->key ? 0 : -ENOMEM;
}

void smallest_fini(struct smallest *s)
{
	free(s->key);
	*s = (struct smallest){0};
}

void smallest_add(struct smallest *s, const char *key)
{
	size_t lo = 0, hi = s->n;

	if (s->n == s->max && s->order(key, s->key[s->n - 1]) >= 0)
		return;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (s->order(s->key[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < s->n && s->order(s->key[lo], key) == 0)
		return;
	if (s->n < s->max)
		s->n++;
	memmove(s->key[lo + 1], s->key[lo], (s->n - 1 - lo) * sizeof *s->key);
	snprintf(s->key[lo], sizeof s->key[lo], "%s", key);
}
