#include "flowagg/bundle.h"

#include <stdlib.h>

#define KEEP (64u << 10)

void bundle_fini(struct bundle *b)
{
	free(b->p);
	*b = (struct bundle){0};
}

void bundle_reset(struct bundle *b)
{
	struct bundle empty = {.p = b->p, .cap = b->cap};

	if (b->cap > KEEP)
		bundle_fini(b);
	else
		*b = empty;
}

uint8_t *bundle_room(struct bundle *b, uint64_t n)
{
	if (b->cap - b->bytes < n) {
		uint64_t cap = b->cap ? b->cap : 4096;
		while (cap - b->bytes < n)
			cap *= 2;
		uint8_t *p = realloc(b->p, cap);
		if (!p)
			return NULL;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->bytes;
}
