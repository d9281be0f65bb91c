#include "gone.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/evicted.h"
#include "walk.h"

static int add(struct gone *g, const char *key, uint64_t packets)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 256;
		struct gone_entry *v = realloc(g->v, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		g->v = v;
		g->cap = cap;
	}
	char *copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	g->v[g->n++] = (struct gone_entry){copy, packets};
	return 0;
}

static int take_line(void *arg, const struct evicted *e)
{
	struct gone *g = arg;
	if (strcmp(e->consumer, g->consumer) != 0)
		return 0;
	if (e->key)
		return add(g, e->key, e->packets);
	g->older += e->packets;
	return 0;
}

/* Not recorded yet, unless the log has it too. */
static int take_file(void *arg, int dirfd, const char *name, const char *key)
{
	uint64_t packets = 0;
	int rc = walk_packets(dirfd, name, &packets);
	if (rc == -ENOENT || rc == -EBADMSG)
		rc = 0;
	return rc ? rc : add(arg, key, packets);
}

static int by_key(const void *a, const void *b)
{
	const struct gone_entry *x = a, *y = b;
	return strcmp(x->key, y->key);
}

/* Each key once. */
static void sort(struct gone *g)
{
	size_t n = 0;

	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), by_key);
	for (size_t i = 0; i < g->n; i++) {
		if (n && strcmp(g->v[i].key, g->v[n - 1].key) == 0)
			free(g->v[i].key);
		else
			g->v[n++] = g->v[i];
	}
	g->n = n;
}

int gone_read_log(const char *path, const char *consumer, struct gone *g)
{
	*g = (struct gone){.consumer = consumer};
	int rc = evicted_read(path, take_line, g);
	sort(g);
	return rc;
}

int gone_read(const char *state_dir, const char *consumer, struct gone *g)
{
	char path[PATH_MAX];
	*g = (struct gone){.consumer = consumer};
	if (strlen(state_dir) > PATH_MAX / 2)
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/spool/evicted/%s", state_dir, consumer);
	int rc = walk_files(path, take_file, g);
	snprintf(path, sizeof(path), "%s/flowagg.evicted", state_dir);
	if (!rc)
		rc = evicted_read(path, take_line, g);
	sort(g);
	return rc;
}

void gone_free(struct gone *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].key);
	free(g->v);
	*g = (struct gone){0};
}

bool gone_has(const struct gone *g, const char *key)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", key);
	const struct gone_entry e = {copy, 0};
	return g->n && bsearch(&e, g->v, g->n, sizeof(*g->v), by_key);
}

uint64_t gone_packets(const struct gone *g, int dirfd, int other, const struct gone *but)
{
	uint64_t sum = g->older;
	for (size_t i = 0; i < g->n; i++)
		if (!walk_has(dirfd, g->v[i].key) && !walk_has(other, g->v[i].key) &&
		    !(but && gone_has(but, g->v[i].key)))
			sum += g->v[i].packets;
	return sum;
}
