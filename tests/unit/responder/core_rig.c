#include "core_rig.h"

static struct world *w;
struct responder *core;
struct send_batch out;
uint64_t now;

void core_begin(bool echo)
{
	w = world_new(7, echo);
	core = world_core(w);
	now = world_now(w);
}

void core_end(void)
{
	world_free(&w);
}

bool core_give(const uint8_t *frame, size_t len, size_t interface_len, struct pkt *a)
{
	struct pkt p;

	pkt_decode(1, frame, (uint32_t)len, (uint32_t)interface_len, &p);
	send_batch_reset(&out);
	responder_frame(core, now, &p, &out);
	cr_assert_leq(out.n, 1);
	if (out.n)
		*a = frame_pkt(out.mem + out.off[0], out.len[0]);
	return out.n;
}

bool core_answer(const struct shape *s, struct pkt *a)
{
	uint8_t frame[FRAME_MAX];
	size_t n = frame_tcp(s, frame);

	return core_give(frame, n, n, a);
}

struct shape core_syn(uint8_t optlen)
{
	return (struct shape){.src = ip("198.51.100.2"),
			      .dst = ip("203.0.113.5"),
			      .sport = 40000,
			      .dport = 80,
			      .seq = 1000,
			      .flags = TCP_SYN,
			      .opt = opt_linux,
			      .optlen = optlen};
}

struct shape core_establish(struct shape s)
{
	struct pkt a;

	cr_assert(core_answer(&s, &a));
	s.flags = TCP_ACK;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	cr_assert(!core_answer(&s, &a));
	return s;
}
