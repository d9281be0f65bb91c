#include "table/packet_index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* An entry is its value and, in the lower bits, how far behind it the next entry of its flow is. */
#define DISTANCE_BITS 24
#define DISTANCE_MASK (((uint64_t)1 << DISTANCE_BITS) - 1)
#define MOST_ENTRIES  ((size_t)1 << DISTANCE_BITS)

/* Memory comes and goes in pieces of this size. */
#define HUGE (2u << 20)

struct packet_index {
	uint64_t *entry; /* NULL: nothing was added yet */
	size_t n, max, bytes;
};

int packet_index_new(size_t bytes, struct packet_index **out)
{
	struct packet_index *t = calloc(1, sizeof *t);

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
static void reserve(struct packet_index *t)
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

void packet_index_free(struct packet_index **t)
{
	if (!*t)
		return;
	if ((*t)->entry)
		munmap((*t)->entry, (*t)->bytes);
	free(*t);
	*t = NULL;
}

void packet_index_clear(struct packet_index *t)
{
	t->n = 0;
}

bool packet_index_begin(struct packet_index *t, uint64_t value, struct packet_index_ends *out)
{
	if (!t->entry)
		reserve(t);
	if (t->n == t->max || value > UINT64_MAX >> DISTANCE_BITS)
		return false;
	t->entry[t->n++] = value << DISTANCE_BITS;
	*out = (struct packet_index_ends){.first = (uint32_t)t->n, .last = (uint32_t)t->n};
	return true;
}

bool packet_index_add(struct packet_index *t, struct packet_index_ends *ends, uint64_t value)
{
	struct packet_index_ends own;

	if (!packet_index_begin(t, value, &own))
		return false;
	t->entry[ends->last - 1] |= own.first - ends->last;
	ends->last = own.first;
	return true;
}

uint64_t packet_index_at(const struct packet_index *t, uint32_t id, uint32_t *next)
{
	uint64_t e = t->entry[id - 1];
	uint32_t distance = (uint32_t)(e & DISTANCE_MASK);

	*next = distance ? id + distance : 0;
	return e >> DISTANCE_BITS;
}

void packet_index_drop(struct packet_index *t, uint32_t id)
{
	size_t bytes = (id - 1) * sizeof *t->entry & ~((size_t)HUGE - 1);

	if (bytes)
		madvise(t->entry, bytes, MADV_DONTNEED);
}

void packet_index_prefetch(const struct packet_index *t, uint32_t id)
{
	__builtin_prefetch(&t->entry[id - 1]);
}
