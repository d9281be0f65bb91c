/*
 * byte_stream: reassembles one direction of a TCP connection.
 *
 * Offsets are absolute and 64 bits wide. A sequence number is unwrapped against the next expected
 * offset, so a stream may be longer than 4 GiB. The first byte after the SYN has offset
 * STREAM_ORIGIN. Without a SYN, the first byte of the first segment has this offset, and bytes up
 * to 1 MiB before it still have one.
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
 * The first arrival of a byte wins; later bytes that differ are counted as conflicts. Bytes beyond
 * the window, before the floor or after a FIN are counted, not stored. Memory: at most max_bytes
 * for run, and 9/8 of a window each for ahead and low.
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
/* A stream ends where its list of gaps is full. */
#define STREAM_MAX_GAPS 1024

struct stream_limits {
	uint32_t max_bytes; /* of run */
	uint32_t window;    /* out of order, at most; at most STREAM_ORIGIN */
};

/* The limits that dropped bytes. STREAM_CUT_WINDOW is set only for bytes that the receiver had room
 * for. */
enum { STREAM_CUT_BYTES = 1, STREAM_CUT_WINDOW = 2, STREAM_CUT_GAPS = 4, STREAM_CUT_MEMORY = 8 };

struct stream {
	uint8_t *data; /* run; data[0] has offset STREAM_ORIGIN */
	bool shared;   /* data is borrowed and must not change; cap is 0 */
	uint32_t len, cap;
	uint32_t origin_seq;
	bool has_origin, guessed; /* guessed: no SYN was seen */
	bool has_fin;
	uint8_t cut; /* STREAM_CUT_: the limits that dropped bytes */
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

/* stream_syn: notes a SYN with sequence number isn. False if it cannot belong to the bytes seen so
 * far. */
bool stream_syn(struct stream *s, uint32_t isn);
/* stream_accepts_syn: what stream_syn would return. */
bool stream_accepts_syn(const struct stream *s, uint32_t isn);

/* stream_segment: adds a segment of n bytes at sequence number seq (of a SYN: seq + 1); fin: a FIN
 * follows them. peer_window: the receiver's advertised window, 0 if unknown. */
void stream_segment(struct stream *s, const struct stream_limits *l, uint32_t peer_window,
		    uint32_t seq, const uint8_t *p, size_t n, bool fin);

/* stream_keep_alive: whether a segment is a keep-alive (RFC 1122 4.2.3.6): one garbage byte in
 * place of the last in-order byte, which was acknowledged, or a NUL. Any other byte that differs is
 * a conflict, which stream_segment counts. */
bool stream_keep_alive(const struct stream *s, uint32_t seq, const uint8_t *p, size_t n);

/* stream_ack: the peer acknowledged everything before ack. */
void stream_ack(struct stream *s, const struct stream_limits *l, uint32_t ack);

/* stream_append: appends the bytes of a datagram, which has no sequence numbers. */
void stream_append(struct stream *s, const struct stream_limits *l, const uint8_t *p, size_t n);

/* stream_finish: returns the payload in one piece. Gaps are filled with NUL and listed as offsets
 * into it. Nothing may be added afterwards. *out borrows from s. */
struct stream_whole {
	struct bytes payload;
	const struct msg_span *gaps;
	size_t ngaps;
};
void stream_finish(struct stream *s, const struct stream_limits *l, struct stream_whole *out);

/* stream_memory: bytes of memory behind s. */
size_t stream_memory(const struct stream *s);

#endif
