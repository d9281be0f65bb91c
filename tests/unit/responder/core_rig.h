/*
 * core_rig: a responder core with small tables (responder_world.h), frames for it, and the answer
 * to each as a packet.
 */
#ifndef TEST_RESPONDER_CORE_RIG_H
#define TEST_RESPONDER_CORE_RIG_H

#include <criterion/criterion.h>

#include "frames.h"
#include "responder_world.h"

#define SECOND UINT64_C(1000000000)
#define MILLI  UINT64_C(1000000)

extern struct responder *core;
extern struct send_batch out; /* what the last frame was answered with */
extern uint64_t now;

/* core_begin: echo: ICMP echo is answered as well. */
void core_begin(bool echo);
void core_end(void);
/* core_give: gives the frame to the core; returns whether it answered, with the answer in *a. */
bool core_give(const uint8_t *frame, size_t len, size_t interface_len, struct pkt *a);
/* core_answer: core_give of a TCP frame. */
bool core_answer(const struct shape *s, struct pkt *a);
/* core_syn: a SYN with the first optlen bytes of Linux's options. */
struct shape core_syn(uint8_t optlen);
/* core_establish: the handshake; returns the segment that would come next. */
struct shape core_establish(struct shape s);

static inline uint64_t counted(enum responder_count id)
{
	return core->count[id];
}

#endif
