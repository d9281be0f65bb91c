/*
 * world: the harmlessness of the responder as a property of any sequence of frames.
 *
 * A world holds a responder core and, beside it, a model that knows only what was sent and
 * received. Every frame goes through world_frame(), which fails loudly (abort) as soon as
 *   - more than one frame answers one frame, or a frame answers what must not be answered;
 *   - a SYN+ACK is longer (IP length) than its SYN, or goes to anybody but the SYN's sender;
 *   - any other segment goes to a 4-tuple whose peer never acknowledged an ISN that we gave it;
 *   - a RST leaves, or a frame with a wrong checksum or address;
 *   - something is acknowledged or SACKed that did not arrive whole with a good checksum;
 *   - an address or prefix that is not verified was sent more bytes than came from it.
 */
#ifndef TEST_RESPONDER_WORLD_H
#define TEST_RESPONDER_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "responder/respond.h"

struct world;

/* world_new: a core with small tables, watching 203.0.113.0/24 and 2001:db8:ff::/64 without ports
 * 22 and 7000-7010, on a host that owns 203.0.113.1. echo: ICMP echo is answered as well. One at a
 * time. */
struct world *world_new(uint64_t seed, bool echo);
void world_free(struct world **w);
struct responder *world_core(struct world *w);
uint64_t world_now(const struct world *w);
/* world_pass: time goes on; ticks happen. */
void world_pass(struct world *w, uint64_t ns);
/* world_frame: gives the frame to the core and checks what comes back. */
void world_frame(struct world *w, const uint8_t *frame, size_t len, size_t interface_len);
/* world_step: one frame or pause, made from up to n bytes of choices at *in (which moves on): valid
 * conversations, their distortions, and noise. Returns whether a frame was made. */
bool world_step(struct world *w, const uint8_t **in, size_t *n);
/* What came and went. */
struct world_sums {
	uint64_t frames, answers, synacks, acks, bytes_in, bytes_out, verified;
};
struct world_sums world_sums(const struct world *w);

#endif
