#include "newest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	double ts;
	uint64_t place;
	char *line;
	size_t bytes;
};

/* v is a heap: no row is newer than those below it, so v[0] is the oldest. */
struct newest {
	struct row *v;
	size_t n, cap, most;
	size_t bytes, bytes_max;
	bool cut;
	struct row first_cut; /* the newest one given up; its line is gone */
};

static int by_age(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

int newest_new(size_t most, size_t bytes, struct newest **out)
{
	struct newest *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->most = most;
	n->bytes_max = bytes;
	*out = n;
	return 0;
}

void newest_free(struct newest **np)
{
	struct newest *n = *np;
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i].line);
	free(n->v);
	free(n);
	*np = NULL;
}

static void rise(struct newest *n, size_t i)
{
	while (i) {
		size_t up = (i - 1) / 2;
		if (by_age(&n->v[up], &n->v[i]) <= 0)
			return;
		struct row r = n->v[up];
		n->v[up] = n->v[i];
		n->v[i] = r;
		i = up;
	}
}

static void sink(struct newest *n, size_t i)
{
	for (;;) {
		size_t least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < n->n; k++)
			if (by_age(&n->v[k], &n->v[least]) < 0)
				least = k;
		if (least == i)
			return;
		struct row r = n->v[i];
		n->v[i] = n->v[least];
		n->v[least] = r;
		i = least;
	}
}

static void drop_oldest(struct newest *n)
{
	n->bytes -= n->v[0].bytes;
	free(n->v[0].line);
	n->v[0] = n->v[--n->n];
	sink(n, 0);
}

static int grow(struct newest *n)
{
	size_t cap = n->cap ? n->cap * 2 : 64;
	struct row *v = realloc(n->v, cap * sizeof *v);
	if (!v)
		return -ENOMEM;
	n->v = v;
	n->cap = cap;
	return 0;
}

int newest_add(struct newest *n, double ts, uint64_t place, struct bytes line)
{
	struct row r = {.ts = ts, .place = place, .bytes = line.n + sizeof(struct row)};
	if (!n->most || (n->cut && by_age(&r, &n->first_cut) <= 0))
		return 0;
	if (n->n == n->most) {
		if (by_age(&r, &n->v[0]) < 0)
			return 0;
		drop_oldest(n);
	}
	if (n->n == n->cap && grow(n) != 0)
		return -ENOMEM;
	r.line = strndup((const char *)line.p, line.n);
	if (!r.line)
		return -ENOMEM;
	n->v[n->n] = r;
	n->bytes += r.bytes;
	rise(n, n->n++);
	while (n->bytes > n->bytes_max && n->n > 1) {
		n->cut = true;
		n->first_cut = n->v[0];
		drop_oldest(n);
	}
	return 0;
}

void newest_out(struct newest *n, double from, void (*fn)(void *arg, const char *line), void *arg)
{
	if (n->n)
		qsort(n->v, n->n, sizeof *n->v, by_age); /* what stays is a heap still */
	while (n->n && n->v[n->n - 1].ts >= from) {
		struct row *r = &n->v[--n->n];
		fn(arg, r->line);
		n->bytes -= r->bytes;
		n->most--;
		free(r->line);
	}
}

size_t newest_left(const struct newest *n)
{
	return n->most;
}

bool newest_cut(const struct newest *n, double *ts)
{
	*ts = n->first_cut.ts;
	return n->cut;
}
