#include "reassembly/block_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNIT       64u   /* sizes are rounded up to it, and places: a line of the cache */
#define MOST       2048u /* larger ones are malloc's */
#define KEPT_BYTES (1u << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool keeps = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool keeps = false;
#else
static const bool keeps = true;
#endif
#else
static const bool keeps = true;
#endif

/* Each size has a list, linked through the pieces themselves. */
static _Thread_local struct {
	void *first[MOST / UNIT];
	size_t kept;
} pool;

static size_t size_of(size_t n)
{
	return n ? (n + UNIT - 1) & ~(size_t)(UNIT - 1) : UNIT;
}

void *block_take(size_t n)
{
	size_t size = size_of(n);

	if (n > MOST)
		return malloc(n);
	void **first = &pool.first[size / UNIT - 1], *p = *first;
	if (!p)
		return aligned_alloc(UNIT, size);
	memcpy(first, p, sizeof *first);
	pool.kept -= size;
	return p;
}

void block_give(void *p, size_t n)
{
	size_t size = size_of(n);

	if (!p)
		return;
	if (!keeps || n > MOST || pool.kept + size > KEPT_BYTES) {
		free(p);
		return;
	}
	void **first = &pool.first[size / UNIT - 1];
	memcpy(p, first, sizeof *first);
	*first = p;
	pool.kept += size;
}
