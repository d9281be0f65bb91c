/*
 * arena: memory that is given back all at once.
 */
#ifndef LOGPTN_LIB_ARENA_H
#define LOGPTN_LIB_ARENA_H

#include <stddef.h>

/* All zeros is an empty arena. */
struct arena {
	struct arena_block *blocks;
	size_t used, cap; /* bytes of the newest block */
};

/* arena_alloc: n bytes, aligned for 64-bit numbers, not zeroed; NULL out of memory. */
void *arena_alloc(struct arena *a, size_t n);

/* arena_zero: the same, zeroed. */
void *arena_zero(struct arena *a, size_t n);

void arena_free(struct arena *a);

#endif
