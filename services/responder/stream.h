/*
 * stream: what a connection's segments mean, and what a TCP would answer.
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
 * 5961 section 3.2), are answered once in STREAM_CHALLENGE_MS: two ends that disagree would
 * otherwise answer each other forever.
 */
#ifndef RESPONDER_STREAM_H
#define RESPONDER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "responder/cookie.h"

#define STREAM_HOLES 4
/* Receive window where the client permits scaling; without it, what 16 bits hold. */
#define STREAM_WINDOW       (256u << 10)
#define STREAM_WINDOW_PLAIN 65535u

#define STREAM_CHALLENGE_MS 500

enum stream_end { STREAM_OPEN, STREAM_FIN, STREAM_RST };

struct stream_range {
	uint32_t from, to; /* sequence numbers, to exclusive */
};

struct stream {
	uint32_t irs, rcv_nxt;
	uint32_t isn, snd_una, snd_nxt;
	uint32_t ts_offset, ts_recent;
	uint8_t promised; /* COOKIE_… */
	bool fin_in, fin_out, full;
	bool fin_known; /* the client's FIN came; fin_in: and all before it */
	uint32_t fin_at;
	bool challenged;
	uint32_t challenged_ms; /* when last */
	uint8_t ranges;
	struct stream_range range[STREAM_HOLES]; /* most recent first, disjoint, not touching */
	uint64_t limit_bytes;
	uint64_t received; /* bytes in order, all acknowledged */
};

/* What to send for a segment. */
struct stream_reply {
	bool send, fin; /* fin: with FIN; seq says where */
	uint32_t seq, ack;
	uint16_t win;
	uint8_t optlen;
	uint8_t opt[40];
	uint32_t untracked_bytes; /* data that is neither acknowledged nor remembered */
};

void stream_init(struct stream *s, uint32_t irs, const struct cookie_word *w, uint64_t limit_bytes);

/* stream_takes: whether p is this stream's: its acknowledgment is, or it is a RST inside the
 * window. What it does not take must not be given to stream_segment() and deserves no answer. */
bool stream_takes(const struct stream *s, const struct pkt *p);

/* stream_segment: p is whole, its checksum is good, and stream_takes() it. now_ms is the timestamp
 * clock. Returns how the stream ended, if it did; the reply is to be sent either
 * way. */
enum stream_end stream_segment(struct stream *s, const struct pkt *p, uint32_t now_ms,
			       struct stream_reply *r);

/* stream_reply_make: a bare reply for data of our own (the nudge). */
void stream_reply_make(struct stream *s, uint32_t now_ms, struct stream_reply *r);

#endif
