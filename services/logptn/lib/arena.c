#include "logptn/lib/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK ((size_t)256 * 1024)

struct arena_block {
	struct arena_block *next;
	uint64_t mem[];
};

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;

	n = (n + 7) & ~(size_t)7;
	if (!b || n > a->cap - a->used) {
		size_t cap = n > ARENA_BLOCK ? n : ARENA_BLOCK;

		b = malloc(sizeof *b + cap);
		if (!b)
			return NULL;
		b->next = a->blocks;
		*a = (struct arena){b, 0, cap};
	}
	a->used += n;
	return (uint8_t *)b->mem + a->used - n;
}

void *arena_zero(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	return p ? memset(p, 0, n) : NULL;
}

void arena_free(struct arena *a)
{
	for (struct arena_block *b = a->blocks; b;) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	*a = (struct arena){0};
}
