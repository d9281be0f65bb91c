/*
 * converse: what a TCP segment other than a SYN means: the first one of a connection, one of a
 * connection in the table, or a RST. Part of the core (respond.h), which has checked the segment:
 * it is whole, its checksums are good, and it goes to a watched address and port.
 */
#ifndef RESPONDER_CONVERSE_H
#define RESPONDER_CONVERSE_H

#include <sodium.h>

#include "base/clock.h"
#include "responder/respond.h"

/* converse_acknowledgment: a segment that acknowledges something: of a connection in the table, or
 * the first of a new one. */
void converse_acknowledgment(struct responder *r, uint64_t now_ns, const struct pkt *p,
			     struct send_batch *out);
/* converse_reset: handles a RST. It ends the connection that accepts it. Any other RST is
 * remembered, so that its 4-tuple gets no answer for a while. */
void converse_reset(struct responder *r, uint64_t now_ns, const struct pkt *p,
		    struct send_batch *out);
/* converse_expire: removes connections that were silent for too long. */
void converse_expire(struct responder *r, uint64_t now_ns);

/* What both halves of the core use: a counter, the timestamp clock, the key of a 4-tuple in r->rst,
 * and a place for a frame, or NULL, counted, when the batch is full. */
static inline void responder_add(struct responder *r, enum responder_count id)
{
	r->count[id]++;
}

static inline uint32_t responder_ms(uint64_t now_ns)
{
	return (uint32_t)(now_ns / NS_PER_MS);
}

static inline uint64_t responder_tuple_hash(const struct responder *r, const struct tuple *t)
{
	uint8_t in[TUPLE_BYTES_MAX];
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, in, tuple_bytes(t, in), r->rst_key);
	return h;
}

static inline uint8_t *responder_room(struct responder *r, struct send_batch *out)
{
	uint8_t *to = send_batch_room(out);

	if (!to)
		responder_add(r, RESPONDER_D_BATCH);
	return to;
}

#endif
