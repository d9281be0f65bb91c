#include "ledger_set.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_walk.h"
#include "storage/ledger.h"

static int ledger_set_add(struct ledger_set *g, const char *key, uint64_t packets)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 256;
		struct ledger_set_entry *v = realloc(g->v, cap * sizeof *v);
		if (!v)
			return -ENOMEM;
		g->v = v;
		g->cap = cap;
	}
	char *copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	g->v[g->n++] = (struct ledger_set_entry){copy, packets};
	return 0;
}

static int ledger_set_take_entry(void *arg, const struct ledger_line *e)
{
	struct ledger_set *g = arg;
	if (strcmp(e->consumer, g->consumer) != 0)
		return 0;
	if (e->key)
		return ledger_set_add(g, e->key, e->packets);
	g->older += e->packets;
	return 0;
}

/* A file in spool/evicted; the ledger may have it too. */
static int ledger_set_take_file(void *arg, int dirfd, const char *name, const char *key)
{
	uint64_t packets = 0;
	int rc = state_walk_packets(dirfd, name, &packets);
	if (rc == -ENOENT || rc == -EBADMSG)
		rc = 0;
	return rc ? rc : ledger_set_add(arg, key, packets);
}

static int ledger_set_by_key(const void *a, const void *b)
{
	const struct ledger_set_entry *x = a, *y = b;
	return strcmp(x->key, y->key);
}

/* Sorts by key and drops repeated keys. */
static void ledger_set_sort(struct ledger_set *g)
{
	size_t n = 0;

	if (g->n)
		qsort(g->v, g->n, sizeof *g->v, ledger_set_by_key);
	for (size_t i = 0; i < g->n; i++) {
		if (n && strcmp(g->v[i].key, g->v[n - 1].key) == 0)
			free(g->v[i].key);
		else
			g->v[n++] = g->v[i];
	}
	g->n = n;
}

int ledger_set_read_log(const char *path, const char *consumer, struct ledger_set *g)
{
	*g = (struct ledger_set){.consumer = consumer};
	int rc = ledger_read(path, ledger_set_take_entry, g);
	ledger_set_sort(g);
	return rc;
}

int ledger_set_read(const char *state_dir, const char *consumer, struct ledger_set *g)
{
	char path[PATH_MAX];
	*g = (struct ledger_set){.consumer = consumer};
	if (strlen(state_dir) > PATH_MAX / 2)
		return -ENAMETOOLONG;
	snprintf(path, sizeof path, "%s/spool/evicted/%s", state_dir, consumer);
	int rc = state_walk(path, ledger_set_take_file, g);
	snprintf(path, sizeof path, "%s/flowagg.evicted", state_dir);
	if (!rc)
		rc = ledger_read(path, ledger_set_take_entry, g);
	ledger_set_sort(g);
	return rc;
}

void ledger_set_free(struct ledger_set *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].key);
	free(g->v);
	*g = (struct ledger_set){0};
}

bool ledger_set_has(const struct ledger_set *g, const char *key)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", key);
	const struct ledger_set_entry e = {copy, 0};
	return g->n && bsearch(&e, g->v, g->n, sizeof *g->v, ledger_set_by_key);
}

uint64_t ledger_set_packets(const struct ledger_set *g, int dirfd, int other,
			    const struct ledger_set *but)
{
	uint64_t sum = g->older;
	for (size_t i = 0; i < g->n; i++)
		if (!state_walk_has(dirfd, g->v[i].key) && !state_walk_has(other, g->v[i].key) &&
		    !(but && ledger_set_has(but, g->v[i].key)))
			sum += g->v[i].packets;
	return sum;
}
