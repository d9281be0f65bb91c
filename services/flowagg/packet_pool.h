/*
 * packet_pool: memory for packets, in blocks of one size, so that it is bounded exactly and does
 * not fragment.
 *
 * A chain is a run of bytes over linked blocks. The address space is reserved at the start and used
 * as far as blocks are; packet_pool_trim gives pages without a used block back.
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

/* packet_pool_init: room for bytes (rounded down to blocks). 0 or -ENOMEM. */
int packet_pool_init(struct packet_pool *p, uint64_t bytes);
void packet_pool_fini(struct packet_pool *p);
static inline uint32_t packet_pool_left(const struct packet_pool *p)
{
	return p->max - p->used;
}
/* packet_pool_trim: gives memory back; worth its time (it looks at every block) when few of many
 * are used.
 */
void packet_pool_trim(struct packet_pool *p);

struct chain {
	uint32_t head, tail;
	uint32_t fill; /* bytes in the tail block */
};

void chain_init(struct chain *c);
/* chain_need: the blocks that n more bytes take. */
uint32_t chain_need(const struct chain *c, size_t n);
/* chain_write: appends n bytes. The blocks must be there (chain_need, packet_pool_left). */
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
/* chain_read: the bytes at *pos that lie together, at most n of them; moves *pos on. The caller
 * knows how many bytes the chain has. */
size_t chain_read(const struct packet_pool *p, struct chain_pos *pos, size_t n,
		  const uint8_t **out);
/* chain_copy: copies n bytes. */
void chain_copy(const struct packet_pool *p, struct chain_pos *pos, void *out, size_t n);

#endif
