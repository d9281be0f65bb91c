/*
 * cookie: our initial sequence number proves that a source received our SYN+ACK.
 *
 * ISN = SipHash-2-4(key, 4-tuple, client's ISN), varied by what the SYN+ACK promised. The hash
 * includes the client's ISN, so a valid cookie also proves that a segment is the first of its
 * stream (seq == client's ISN + 1). Otherwise, without state, a later byte could not be told from
 * the first, and bytes that never arrived could be acknowledged.
 *
 * The three promises (SACK, timestamps, window scale) choose among eight ISNs that are derived from
 * one hash. With two valid keys, a blind guess is right once in 2^32 / 8 / 2 attempts. Keys are
 * derived from a seed and the time: the current and the previous one are valid, so a cookie lives
 * between one and two periods.
 */
#ifndef RESPONDER_COOKIE_H
#define RESPONDER_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/tcp_receiver.h"
#include "responder/tuple.h"

enum {
	COOKIE_SACK = RECEIVER_SACK,
	COOKIE_TS = RECEIVER_TS,
	COOKIE_WSCALE = RECEIVER_WSCALE,
	COOKIE_FLAGS = 7
};

#define COOKIE_SEED 32

struct cookie {
	uint8_t seed[COOKIE_SEED];
	uint64_t period_ns;
	uint64_t number;    /* of the current key */
	uint8_t key[2][16]; /* current, previous */
};

/* What a cookie says. */
struct cookie_word {
	uint32_t isn;
	uint32_t extra; /* 32 more keyed bits of the same tuple: timestamp offset, flow label */
	uint8_t flags;  /* COOKIE_… */
};

void cookie_init(struct cookie *c, const uint8_t seed[COOKIE_SEED], uint64_t period_ns,
		 uint64_t now_ns);
/* cookie_tick: changes keys when a period has passed. */
void cookie_tick(struct cookie *c, uint64_t now_ns);
/* cookie_make: the word of a SYN+ACK to a client whose ISN is irs, promising flags. */
struct cookie_word cookie_make(const struct cookie *c, const struct tuple *t, uint32_t irs,
			       uint8_t flags);
/* cookie_verify: whether ack acknowledges a SYN+ACK of ours to a client whose ISN is irs. */
bool cookie_verify(const struct cookie *c, const struct tuple *t, uint32_t irs, uint32_t ack,
		   struct cookie_word *out);

#endif
