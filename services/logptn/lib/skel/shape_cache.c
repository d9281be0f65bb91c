#include "logptn/lib/skel/shape_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_START 4096u
#define ALIASES_MAX   131072u

int shape_cache_init(struct shape_cache *c)
{
	*c = (struct shape_cache){.v = calloc(ALIASES_START, sizeof *c->v),
				  .mask = ALIASES_START - 1};
	return c->v ? 0 : -ENOMEM;
}

void shape_cache_fini(struct shape_cache *c)
{
	free(c->v);
	*c = (struct shape_cache){0};
}

static void alias_insert(struct shape_alias *v, uint32_t mask, struct shape_alias a)
{
	uint32_t k = (uint32_t)a.hash & mask;

	while (v[k].skel)
		k = (k + 1) & mask;
	v[k] = a;
}

/* Makes room for one more; false if there is none. */
static bool cache_room(struct shape_cache *c)
{
	uint32_t mask = 4 * (c->mask + 1) - 1;
	struct shape_alias *v;

	if (2 * c->n <= c->mask)
		return true;
	if (c->mask + 1 >= ALIASES_MAX) {
		memset(c->v, 0, ((size_t)c->mask + 1) * sizeof *c->v);
		c->n = 0;
		return true;
	}
	v = calloc((size_t)mask + 1, sizeof *v);
	if (!v)
		return false;
	for (uint32_t i = 0; i <= c->mask; i++)
		if (c->v[i].skel)
			alias_insert(v, mask, c->v[i]);
	free(c->v);
	c->v = v;
	c->mask = mask;
	return true;
}

void shape_cache_put(struct shape_cache *c, uint64_t hash, uint32_t skel)
{
	if (!cache_room(c))
		return;
	alias_insert(c->v, c->mask, (struct shape_alias){hash, skel + 1});
	c->n++;
}
