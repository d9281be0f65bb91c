#include "flowagg/packet_pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BLOCKS (4096u / PACKET_POOL_BLOCK)

static void *packet_pool_reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int packet_pool_init(struct packet_pool *p, uint64_t bytes)
{
	uint64_t blocks = bytes / PACKET_POOL_BLOCK;

	*p = (struct packet_pool){.free = PACKET_POOL_NONE};
	p->max = blocks < PACKET_POOL_NONE ? (uint32_t)blocks : PACKET_POOL_NONE - 1;
	p->mem = packet_pool_reserve((size_t)p->max * PACKET_POOL_BLOCK);
	p->link = packet_pool_reserve((size_t)p->max * sizeof *p->link);
	if (!p->mem || !p->link) {
		packet_pool_fini(p);
		return -ENOMEM;
	}
	return 0;
}

void packet_pool_fini(struct packet_pool *p)
{
	if (p->mem)
		munmap(p->mem, (size_t)p->max * PACKET_POOL_BLOCK);
	if (p->link)
		munmap(p->link, (size_t)p->max * sizeof *p->link);
	*p = (struct packet_pool){.free = PACKET_POOL_NONE};
}

static uint32_t packet_pool_take(struct packet_pool *p)
{
	uint32_t b;

	assert(p->used < p->max);
	if (p->free != PACKET_POOL_NONE) {
		b = p->free;
		p->free = p->link[b];
	} else {
		b = p->fresh++;
	}
	p->used++;
	p->link[b] = PACKET_POOL_NONE;
	return b;
}

void packet_pool_trim(struct packet_pool *p)
{
	/* A page goes back when all its blocks are free. The free list is walked once to find them:
	 * a free block is marked by a link to itself, which no list has. */
	for (uint32_t b = p->free, next; b != PACKET_POOL_NONE; b = next) {
		next = p->link[b];
		p->link[b] = b;
	}
	p->free = PACKET_POOL_NONE;
	while (p->fresh && p->link[p->fresh - 1] == p->fresh - 1)
		p->fresh--;
	for (uint32_t page = p->fresh / PAGE_BLOCKS + 1; page-- > 0;) {
		uint32_t lo = page * PAGE_BLOCKS, hi = lo + PAGE_BLOCKS, unused = 0;
		if (hi > p->max)
			hi = p->max;
		for (uint32_t b = lo; b < hi; b++)
			unused += b >= p->fresh || p->link[b] == b;
		if (lo < hi && unused == hi - lo)
			madvise(p->mem + (size_t)lo * PACKET_POOL_BLOCK,
				(size_t)(hi - lo) * PACKET_POOL_BLOCK, MADV_DONTNEED);
		/* Downwards, so that low blocks are taken first and high pages stay empty. */
		for (uint32_t b = hi < p->fresh ? hi : p->fresh; b-- > lo;) {
			if (p->link[b] != b)
				continue;
			p->link[b] = p->free;
			p->free = b;
		}
	}
	uint32_t first = (p->fresh + PAGE_BLOCKS - 1) / PAGE_BLOCKS * PAGE_BLOCKS;
	if (first < p->max)
		madvise(p->mem + (size_t)first * PACKET_POOL_BLOCK,
			(size_t)(p->max - first) * PACKET_POOL_BLOCK, MADV_DONTNEED);
}

void chain_init(struct chain *c)
{
	*c = (struct chain){PACKET_POOL_NONE, PACKET_POOL_NONE, PACKET_POOL_BLOCK};
}

uint32_t chain_need(const struct chain *c, size_t n)
{
	size_t room = PACKET_POOL_BLOCK - c->fill;

	return n <= room ? 0 : (uint32_t)((n - room + PACKET_POOL_BLOCK - 1) / PACKET_POOL_BLOCK);
}

void chain_write(struct packet_pool *p, struct chain *c, const void *data, size_t n)
{
	const uint8_t *from = data;

	while (n) {
		if (c->fill == PACKET_POOL_BLOCK) {
			uint32_t b = packet_pool_take(p);
			if (c->tail == PACKET_POOL_NONE)
				c->head = b;
			else
				p->link[c->tail] = b;
			c->tail = b;
			c->fill = 0;
		}
		size_t k = PACKET_POOL_BLOCK - c->fill;
		if (k > n)
			k = n;
		memcpy(p->mem + (size_t)c->tail * PACKET_POOL_BLOCK + c->fill, from, k);
		c->fill += (uint32_t)k;
		from += k;
		n -= k;
	}
}

void chain_free(struct packet_pool *p, struct chain *c)
{
	uint32_t n = 0;

	if (c->head == PACKET_POOL_NONE)
		return;
	for (uint32_t b = c->head; b != PACKET_POOL_NONE; b = p->link[b])
		n++;
	p->link[c->tail] = p->free;
	p->free = c->head;
	p->used -= n;
	chain_init(c);
}

size_t chain_read(const struct packet_pool *p, struct chain_pos *pos, size_t n, const uint8_t **out)
{
	if (pos->off == PACKET_POOL_BLOCK) {
		pos->block = p->link[pos->block];
		pos->off = 0;
	}
	size_t k = PACKET_POOL_BLOCK - pos->off;
	if (k > n)
		k = n;
	*out = p->mem + (size_t)pos->block * PACKET_POOL_BLOCK + pos->off;
	pos->off += (uint32_t)k;
	return k;
}

void chain_copy(const struct packet_pool *p, struct chain_pos *pos, void *out, size_t n)
{
	const uint8_t *from;

	for (uint8_t *to = out; n;) {
		size_t k = chain_read(p, pos, n, &from);
		memcpy(to, from, k);
		to += k;
		n -= k;
	}
}
