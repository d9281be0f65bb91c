/*
 * byte_stream: one direction of a TCP connection, put back together.
 *
 * Offsets are absolute and 64 bits wide; a sequence number is unwrapped against the next offset
 * expected, so a stream may be longer than 4 GiB. The first byte after the SYN has offset
 * STREAM_ORIGIN; when no SYN was seen the first segment's first byte has, and what turns out to lie
 * up to 1 MiB before it still has an offset.
 *
 *   0          floor      ORIGIN                    next        acked          next + window
 *   │··········│▒▒▒▒ low ▒│████████ run ███ gap ████│···· ▒▒▒ ahead ▒▒ ·········│ beyond
 *
 *   run     in-order bytes; missing bytes that the peer acknowledged are a gap in it: NUL, and
 *           listed
 *   ahead   out of order: arrived before the bytes in front of them
 *   low     arrived before the first segment seen, when there was no SYN
 *   beyond  not stored
 *
 * Rules: the first arrival of a byte wins, later ones that differ are counted as conflicts. What
 * lies beyond the window, before the floor or after a FIN is counted and not stored. Memory: at
 * most max_bytes for run and a window each (9/8 of it) for ahead and low.
 */
#ifndef ANALYZER_BYTE_STREAM_H
#define ANALYZER_BYTE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"
#include "proto/msg.h"
#include "reassembly/window.h"

#define STREAM_ORIGIN ((uint64_t)1 << 20)
/* A stream with more gaps ends where the list is full. */
#define STREAM_MAX_GAPS 1024

struct stream_limits {
	uint32_t max_bytes; /* of run */
	uint32_t window;    /* out of order, at most; at most STREAM_ORIGIN */
};

/* Which limit turned bytes away. STREAM_CUT_WINDOW is set only for bytes that the receiver had room
 * for. */
enum { STREAM_CUT_BYTES = 1, STREAM_CUT_WINDOW = 2, STREAM_CUT_GAPS = 4, STREAM_CUT_MEMORY = 8 };

struct stream {
	uint8_t *data; /* run; data[0] has offset STREAM_ORIGIN */
	bool shared;   /* data is somebody else's and stays as it is: cap is 0 */
	uint32_t len, cap;
	uint32_t origin_seq;
	bool has_origin, guessed; /* guessed: no SYN was seen */
	bool has_fin;
	uint8_t cut; /* STREAM_CUT_: which limits turned bytes away */
	uint64_t floor, next, acked, fin;
	uint64_t high; /* end of the highest byte stored */
	struct window *ahead, *low;
	struct msg_span *gaps; /* in run, as offsets */
	uint32_t ngaps, gaps_cap;
	uint32_t beyond;               /* segments beyond the window or before the floor */
	uint64_t conflicts, after_fin; /* bytes */
};

/* A zeroed struct stream is empty. */
void stream_fini(struct stream *s);

/* stream_syn: a SYN with sequence isn was seen. False when it cannot belong to the bytes seen
 * before. */
bool stream_syn(struct stream *s, uint32_t isn);
/* stream_accepts_syn: what stream_syn would answer. */
bool stream_accepts_syn(const struct stream *s, uint32_t isn);

/* stream_segment: n bytes with sequence seq (of a SYN: seq + 1) came; fin says whether a FIN
 * follows them. peer_window: what the receiver said it takes; 0 unknown. */
void stream_segment(struct stream *s, const struct stream_limits *l, uint32_t peer_window,
		    uint32_t seq, const uint8_t *p, size_t n, bool fin);

/* stream_keep_alive: whether a segment is one (RFC 1122 4.2.3.6): the last byte in order once more,
 * which may be garbage. It was acknowledged, or it is the NUL that systems send; any other byte
 * that differs is for stream_segment to count. */
bool stream_keep_alive(const struct stream *s, uint32_t seq, const uint8_t *p, size_t n);

/* stream_ack: the peer acknowledged everything before ack. */
void stream_ack(struct stream *s, const struct stream_limits *l, uint32_t ack);

/* stream_append: bytes of a datagram: no sequence numbers. */
void stream_append(struct stream *s, const struct stream_limits *l, const uint8_t *p, size_t n);

/* stream_finish: the whole payload in one piece, gaps filled with NUL and listed as offsets into
 * it. Nothing may be added afterwards. Borrows from s. */
struct stream_whole {
	struct bytes payload;
	const struct msg_span *gaps;
	size_t ngaps;
};
void stream_finish(struct stream *s, const struct stream_limits *l, struct stream_whole *out);

/* stream_memory: bytes of memory behind s. */
size_t stream_memory(const struct stream *s);

#endif
