/*
 * shape_cache: from the hash of a shape to the skeleton of its lines. It may forget: it is emptied
 * when it is full.
 */
#ifndef LOGPTN_LIB_SKEL_SHAPE_CACHE_H
#define LOGPTN_LIB_SKEL_SHAPE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct shape_alias {
	uint64_t hash;
	uint32_t skel; /* + 1; 0: free */
};

struct shape_cache {
	struct shape_alias *v;
	uint32_t n, mask;
};

/* shape_cache_init: 0 or -ENOMEM. */
int shape_cache_init(struct shape_cache *c);
void shape_cache_fini(struct shape_cache *c);

/* shape_cache_get: false if the hash is not known. */
static inline bool shape_cache_get(const struct shape_cache *c, uint64_t hash, uint32_t *skel)
{
	for (uint32_t k = (uint32_t)hash & c->mask; c->v[k].skel; k = (k + 1) & c->mask)
		if (c->v[k].hash == hash) {
			*skel = c->v[k].skel - 1;
			return true;
		}
	return false;
}

/* shape_cache_put: of a hash that is not known. */
void shape_cache_put(struct shape_cache *c, uint64_t hash, uint32_t skel);

#endif
