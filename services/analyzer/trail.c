#include "trail.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* An entry is its value and, in the lower bits, how far behind it the next one of its trail is. */
#define DISTANCE_BITS 24
#define DISTANCE_MASK (((uint64_t)1 << DISTANCE_BITS) - 1)
#define MOST_ENTRIES  ((size_t)1 << DISTANCE_BITS)

/* Memory comes and goes in pieces of this size. */
#define HUGE (2u << 20)

struct trail {
	uint64_t *entry; /* NULL: nothing was added yet */
	size_t n, max, bytes;
};

int trail_new(size_t bytes, struct trail **out)
{
	struct trail *t = calloc(1, sizeof *t);

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->max = bytes / sizeof *t->entry;
	if (t->max > MOST_ENTRIES)
		t->max = MOST_ENTRIES;
	t->bytes = t->max * sizeof *t->entry;
	*out = t;
	return 0;
}

/* reserve: the memory; without it there is room for nothing. */
static void reserve(struct trail *t)
{
	void *p = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		t->max = 0;
		return;
	}
	madvise(p, t->bytes, MADV_HUGEPAGE);
	t->entry = p;
}

void trail_free(struct trail **t)
{
	if (!*t)
		return;
	if ((*t)->entry)
		munmap((*t)->entry, (*t)->bytes);
	free(*t);
	*t = NULL;
}

void trail_clear(struct trail *t)
{
	t->n = 0;
}

bool trail_begin(struct trail *t, uint64_t value, struct trail_ends *out)
{
	if (!t->entry)
		reserve(t);
	if (t->n == t->max || value > UINT64_MAX >> DISTANCE_BITS)
		return false;
	t->entry[t->n++] = value << DISTANCE_BITS;
	*out = (struct trail_ends){.first = (uint32_t)t->n, .last = (uint32_t)t->n};
	return true;
}

bool trail_add(struct trail *t, struct trail_ends *ends, uint64_t value)
{
	struct trail_ends own;

	if (!trail_begin(t, value, &own))
		return false;
	t->entry[ends->last - 1] |= own.first - ends->last;
	ends->last = own.first;
	return true;
}

uint64_t trail_at(const struct trail *t, uint32_t id, uint32_t *next)
{
	uint64_t e = t->entry[id - 1];
	uint32_t distance = (uint32_t)(e & DISTANCE_MASK);

	*next = distance ? id + distance : 0;
	return e >> DISTANCE_BITS;
}

void trail_drop(struct trail *t, uint32_t id)
{
	size_t bytes = (id - 1) * sizeof *t->entry & ~((size_t)HUGE - 1);

	if (bytes)
		madvise(t->entry, bytes, MADV_DONTNEED);
}

void trail_prefetch(const struct trail *t, uint32_t id)
{
	__builtin_prefetch(&t->entry[id - 1]);
}
