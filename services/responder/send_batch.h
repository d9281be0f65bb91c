/*
 * send_batch: frames waiting to be sent, in one block of memory.
 *
 * The shell flushes a batch with one sendmmsg(2). Whoever adds frames asks send_batch_room() first;
 * a full batch refuses, it never grows.
 */
#ifndef RESPONDER_SEND_BATCH_H
#define RESPONDER_SEND_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEND_BATCH_FRAMES 256
#define SEND_BATCH_BYTES  (64u << 10)
/* The largest frame the core makes, and the most frames one call of the core adds. */
#define SEND_BATCH_FRAME_MAX   1600
#define SEND_BATCH_CALL_FRAMES 2

struct send_batch {
	uint32_t n, used;
	uint32_t off[SEND_BATCH_FRAMES];
	uint16_t len[SEND_BATCH_FRAMES];
	uint8_t mem[SEND_BATCH_BYTES];
};

static inline void send_batch_reset(struct send_batch *b)
{
	b->n = 0;
	b->used = 0;
}

/* send_batch_ready: whether one more call of the core surely fits; flush when it does not. */
static inline bool send_batch_ready(const struct send_batch *b)
{
	return b->n + SEND_BATCH_CALL_FRAMES <= SEND_BATCH_FRAMES &&
	       b->used + SEND_BATCH_CALL_FRAMES * SEND_BATCH_FRAME_MAX <= SEND_BATCH_BYTES;
}

/* send_batch_room: where a frame of at most SEND_BATCH_FRAME_MAX bytes goes, or NULL when the batch
 * is full.
 */
static inline uint8_t *send_batch_room(struct send_batch *b)
{
	if (b->n >= SEND_BATCH_FRAMES || b->used + SEND_BATCH_FRAME_MAX > SEND_BATCH_BYTES)
		return NULL;
	return b->mem + b->used;
}

/* send_batch_add: the frame written to send_batch_room() is len bytes long. */
static inline void send_batch_add(struct send_batch *b, size_t len)
{
	b->off[b->n] = b->used;
	b->len[b->n] = (uint16_t)len;
	b->n++;
	b->used += (uint32_t)((len + 15) & ~(size_t)15);
}

#endif
