/*
 * receiver: what a connection's segments mean, and what a TCP would answer.
 *
 * Only for sources that acknowledged our cookie. The bytes themselves are not kept (capture has
 * them); a stream keeps which sequence numbers came, so that nothing is acknowledged that was not
 * received:
 *
 *   irs+1 ....... rcv_nxt ....[from..to]....[from..to].... rcv_nxt + window
 *   acknowledged │ missing │  SACKed    │ missing        │ not accepted
 *
 * There is no timer and no retransmission of our own: each answer answers one segment. When the
 * stream reaches its limit the window closes, a FIN says so, and what comes after is not
 * acknowledged; such a stream stays until it is silent for long, as TIME_WAIT, so that a lost last
 * acknowledgment can be had again.
 *
 * Segments without data that lie outside the window, and RSTs inside it that are not exact (RFC
 * 5961 section 3.2), are answered once in RECEIVER_CHALLENGE_MS: two ends that disagree would
 * otherwise answer each other forever.
 */
#ifndef PKT_TCP_RECEIVER_H
#define PKT_TCP_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/pkt.h"

#define RECEIVER_HOLES 4
/* The shift of our window, when both ends scale (RFC 7323 section 2.2). */
#define RECEIVER_WSCALE_SHIFT 7
/* What our SYN+ACK agreed to. */
enum { RECEIVER_SACK = 1, RECEIVER_TS = 2, RECEIVER_WSCALE = 4 };

/* Receive window where the client permits scaling; without it, what 16 bits hold. */
#define RECEIVER_WINDOW       (256u << 10)
#define RECEIVER_WINDOW_PLAIN 65535u

#define RECEIVER_CHALLENGE_MS 500

enum receiver_end { RECEIVER_OPEN, RECEIVER_FIN, RECEIVER_RST };

struct receiver_range {
	uint32_t from, to; /* sequence numbers, to exclusive */
};

struct receiver {
	uint32_t irs, rcv_nxt;
	uint32_t isn, snd_una, snd_nxt;
	uint32_t ts_offset, ts_recent;
	uint8_t promised; /* RECEIVER_SACK, RECEIVER_TS, RECEIVER_WSCALE */
	bool fin_in, fin_out, full;
	bool fin_known; /* the client's FIN came; fin_in: and all before it */
	uint32_t fin_at;
	bool challenged;
	uint32_t challenged_ms; /* when last */
	uint8_t ranges;
	struct receiver_range range[RECEIVER_HOLES]; /* most recent first, disjoint, not touching */
	uint64_t limit_bytes;
	uint64_t received; /* bytes in order, all acknowledged */
};

/* What to send for a segment. */
struct receiver_reply {
	bool send, fin; /* fin: with FIN; seq says where */
	uint32_t seq, ack;
	uint16_t win;
	uint8_t optlen;
	uint8_t opt[40];
	uint32_t untracked_bytes;    /* data that is neither acknowledged nor remembered */
	struct receiver_range taken; /* of the segment's bytes those that are; empty: from == to.
					Bytes in it that came before stay as they came. */
};

/* receiver_init: a connection whose SYN had the sequence number irs and whose SYN+ACK had isn,
 * agreed to `promised`, and carried timestamps that are ts_offset ahead of the clock. Of its stream
 * limit_bytes are acknowledged. */
void receiver_init(struct receiver *s, uint32_t irs, uint32_t isn, uint8_t promised,
		   uint32_t ts_offset, uint64_t limit_bytes);

/* receiver_takes: whether p is this stream's: its acknowledgment is, or it is a RST inside the
 * window. What it does not take must not be given to receiver_segment() and deserves no answer. */
bool receiver_takes(const struct receiver *s, const struct pkt *p);

/* receiver_segment: p is whole, its checksum is good, and receiver_takes() it. now_ms is the
 * timestamp clock. Returns how the stream ended, if it did; the reply is to be sent either
 * way. */
enum receiver_end receiver_segment(struct receiver *s, const struct pkt *p, uint32_t now_ms,
				   struct receiver_reply *r);

/* receiver_reply_make: a bare reply for data of our own (the nudge). */
void receiver_reply_make(struct receiver *s, uint32_t now_ms, struct receiver_reply *r);

#endif
