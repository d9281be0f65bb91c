/*
 * packet_pool: memory for packets in blocks of one size, which makes the bound exact and prevents
 * fragmentation.
 *
 * A chain is a run of bytes over linked blocks. Address space is reserved at the start, and memory
 * is used as blocks are taken. packet_pool_trim returns pages without a used block to the system.
 */
#ifndef FLOWAGG_PACKET_POOL_H
#define FLOWAGG_PACKET_POOL_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_POOL_BLOCK 256u
#define PACKET_POOL_NONE  UINT32_MAX

struct packet_pool {
	uint8_t *mem;
	uint32_t *
		link; /* of a used block: the next of its chain; of a free one: the next free one */
	uint32_t max, used, fresh,
		free; /* fresh: blocks from here on were never used since the last trim */
};

/* packet_pool_init: makes a pool of this many bytes, rounded down to whole blocks. 0 or -ENOMEM. */
int packet_pool_init(struct packet_pool *p, uint64_t bytes);
void packet_pool_fini(struct packet_pool *p);
static inline uint32_t packet_pool_left(const struct packet_pool *p)
{
	return p->max - p->used;
}
/* packet_pool_trim: returns unused pages to the system. It looks at every block, so it pays only
 * when few of many are used.
 */
void packet_pool_trim(struct packet_pool *p);

struct chain {
	uint32_t head, tail;
	uint32_t fill; /* bytes in the tail block */
};

void chain_init(struct chain *c);
/* chain_need: the number of blocks that n more bytes take. */
uint32_t chain_need(const struct chain *c, size_t n);
/* chain_write: appends n bytes. The pool must have the blocks (chain_need, packet_pool_left). */
void chain_write(struct packet_pool *p, struct chain *c, const void *data, size_t n);
void chain_free(struct packet_pool *p, struct chain *c);

/* A place in a chain, for reading it from the front. */
struct chain_pos {
	uint32_t block, off;
};
static inline struct chain_pos chain_begin(const struct chain *c)
{
	return (struct chain_pos){c->head, 0};
}
/* chain_read: points *out at the contiguous bytes at *pos, at most n; returns their number and
 * advances *pos. The caller must not read past the end of the chain. */
size_t chain_read(const struct packet_pool *p, struct chain_pos *pos, size_t n,
		  const uint8_t **out);
/* chain_copy: copies the n bytes at *pos to out and advances *pos. */
void chain_copy(const struct packet_pool *p, struct chain_pos *pos, void *out, size_t n);

#endif
