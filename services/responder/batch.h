/*
 * batch: frames waiting to be sent, in one block of memory.
 *
 * The shell flushes a batch with one sendmmsg(2). Whoever adds frames asks batch_room() first; a
 * full batch refuses, it never grows.
 */
#ifndef RESPONDER_BATCH_H
#define RESPONDER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BATCH_FRAMES 256
#define BATCH_BYTES  (64u << 10)
/* The largest frame the core makes, and the most frames one call of the core adds. */
#define BATCH_FRAME_MAX   1600
#define BATCH_CALL_FRAMES 2

struct batch {
	uint32_t n, used;
	uint32_t off[BATCH_FRAMES];
	uint16_t len[BATCH_FRAMES];
	uint8_t mem[BATCH_BYTES];
};

static inline void batch_reset(struct batch *b)
{
	b->n = 0;
	b->used = 0;
}

/* batch_ready: whether one more call of the core surely fits; flush when it does not. */
static inline bool batch_ready(const struct batch *b)
{
	return b->n + BATCH_CALL_FRAMES <= BATCH_FRAMES &&
	       b->used + BATCH_CALL_FRAMES * BATCH_FRAME_MAX <= BATCH_BYTES;
}

/* batch_room: where a frame of at most BATCH_FRAME_MAX bytes goes, or NULL when the batch is full.
 */
static inline uint8_t *batch_room(struct batch *b)
{
	if (b->n >= BATCH_FRAMES || b->used + BATCH_FRAME_MAX > BATCH_BYTES)
		return NULL;
	return b->mem + b->used;
}

/* batch_add: the frame written to batch_room() is len bytes long. */
static inline void batch_add(struct batch *b, size_t len)
{
	b->off[b->n] = b->used;
	b->len[b->n] = (uint16_t)len;
	b->n++;
	b->used += (uint32_t)((len + 15) & ~(size_t)15);
}

#endif
