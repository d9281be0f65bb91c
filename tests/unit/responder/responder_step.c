/* world_step: frames made from choices, so that a fuzzer or a random generator can play the
 * peers. */
#include <string.h>

#include "frames.h"
#include "responder_world_own.h"

static uint32_t pick(const uint8_t **in, size_t *n, uint32_t below)
{
	uint32_t v = 0;

	for (int i = 0; i < (below > 256 ? 3 : 1) && *n; i++, ++*in, --*n)
		v = v << 8 | **in;
	return v % below;
}

static const char *const sources[] = {"198.51.100.2", "198.51.100.3", "198.51.100.200",
				      "192.0.2.77",   "203.0.113.99", "127.0.0.1",
				      "224.0.0.5",    "203.0.113.1",  "0.0.0.0"};
static const char *const targets[] = {"203.0.113.5", "203.0.113.6", "203.0.113.1", "198.18.0.1"};
static const char *const sources6[] = {"2001:db8:1::2", "2001:db8:1::3", "2001:db8:1:1::9",
				       "2001:db8:ff::77", "ff02::1"};
static const char *const targets6[] = {"2001:db8:ff::5", "2001:db8:ff::6", "2001:db8:ee::1"};
#define COUNT_OF(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static void tuple_pick(struct shape *s, const uint8_t **in, size_t *n)
{
	static const uint16_t ports[] = {80, 443, 22, 7005, 8080};

	if (pick(in, n, 3)) {
		/* Mostly the sources that can have conversations. */
		s->src = ip(
			sources[pick(in, n, 4) ? pick(in, n, 4) : pick(in, n, COUNT_OF(sources))]);
		s->dst = ip(
			targets[pick(in, n, 4) ? pick(in, n, 2) : pick(in, n, COUNT_OF(targets))]);
	} else {
		s->src = ip(sources6[pick(in, n, COUNT_OF(sources6))]);
		s->dst = ip(targets6[pick(in, n, COUNT_OF(targets6))]);
		s->ext = (uint8_t)(pick(in, n, 8) ? 0 : pick(in, n, 3));
	}
	s->sport = (uint16_t)(40000 + pick(in, n, 3));
	s->dport = ports[pick(in, n, 8) ? pick(in, n, 2) : pick(in, n, COUNT_OF(ports))];
}

static void distort(uint8_t *frame, size_t *len, const uint8_t **in, size_t *n)
{
	uint32_t flips = pick(in, n, 4);

	for (uint32_t i = 0; i<flips && * len> 12; i++)
		frame[12 + pick(in, n, (uint32_t)*len - 12)] = (uint8_t)pick(in, n, 256);
	if (!pick(in, n, 8))
		*len = pick(in, n, (uint32_t)*len + 1);
	if (pick(in, n, 2))
		frame_fix(frame, *len);
}

static size_t other(struct shape *s, uint8_t *frame, const uint8_t **in, size_t *n)
{
	uint8_t msg[64] = {0};
	size_t len = 8 + pick(in, n, 56);

	switch (pick(in, n, 4)) {
	case 0: /* UDP */
		msg[1] = 53;
		msg[3] = 53;
		msg[5] = (uint8_t)len;
		return frame_ip(s, 17, 64, msg, len, 6, frame);
	case 1: /* echo, or another ICMP */
		msg[0] =
			pick(in, n, 2) ? (s->src.family == 4 ? 8 : 128) : (uint8_t)pick(in, n, 256);
		return frame_ip(s, s->src.family == 4 ? 1 : 58, 64, msg, len, 2, frame);
	case 2: /* neighbour messages */
		if (s->src.family != 6)
			return 0;
		msg[0] = (uint8_t)(135 + pick(in, n, 2));
		memcpy(msg + 8, s->dst.b, 16);
		msg[24] = msg[25] = 1;
		return frame_ip(s, 58, pick(in, n, 4) ? 255 : 64, msg, pick(in, n, 2) ? 24 : 32, 2,
				frame);
	default: /* ARP */
		if (s->src.family != 4)
			return 0;
		memset(frame, 0xff, 6);
		memcpy(frame + 6, mac_peer, 6);
		memcpy(frame + 12, "\x08\x06\0\1\x08\0\6\4\0", 9);
		frame[21] = (uint8_t)(1 + pick(in, n, 2));
		memcpy(frame + 22, mac_peer, 6);
		memcpy(frame + 28, s->src.b, 4);
		memset(frame + 32, 0, 6);
		memcpy(frame + 38, s->dst.b, 4);
		return 42;
	}
}

/* A segment of a conversation that got as far as our SYN+ACK. */
static void converse(struct world *w, struct shape *s, uint8_t *data, const uint8_t **in, size_t *n)
{
	const struct given *g = &w->given[w->n > 40 && pick(in, n, 4) ? w->n - 1 - pick(in, n, 40)
								      : pick(in, n, w->n)];
	const struct conn *c = conns_find(&w->core.conns, &g->t);
	uint32_t nxt = c ? c->s.rcv_nxt : g->irs + 1;

	s->src = g->t.src;
	s->dst = g->t.dst;
	s->sport = g->t.sport;
	s->dport = g->t.dport;
	s->ack = g->isn + 1 + (pick(in, n, 8) ? 0 : pick(in, n, 4) - 1);
	s->flags = TCP_ACK;
	switch (pick(in, n, 8)) {
	case 0: /* the handshake's end, a keepalive, old data */
		s->seq = g->irs + 1 - (pick(in, n, 4) ? 0 : 1);
		break;
	case 1: /* ahead of a hole */
		s->seq = nxt + pick(in, n, 4000);
		break;
	case 2: /* overlapping */
		s->seq = nxt - pick(in, n, 2000);
		break;
	case 3: /* far away */
		s->seq = nxt + pick(in, n, 1 << 20);
		break;
	default:
		s->seq = nxt;
	}
	if (pick(in, n, 3)) {
		s->len = pick(in, n, 1400);
		s->data = data;
		s->flags |= TCP_PSH;
	}
	if (!pick(in, n, 12))
		s->flags |= TCP_FIN;
	if (!pick(in, n, 24))
		s->flags = TCP_RST;
}

bool world_step(struct world *w, const uint8_t **in, size_t *n)
{
	uint8_t frame[FRAME_MAX] = {0}, data[1500] = {0};
	struct shape s = {0};
	size_t len;

	if (!pick(in, n, 200)) {
		world_pass(w, (uint64_t)pick(in, n, 1 << 16) * MILLI);
		return false;
	}
	w->now += pick(in, n, 256) * UINT64_C(10000);
	tuple_pick(&s, in, n);
	s.seq = UINT32_MAX - 1000 + pick(in, n, 16) * 997;
	s.tags = (uint8_t)(pick(in, n, 8) ? 0 : pick(in, n, 3));
	s.tag[0] = 0x88a80005;
	s.tag[1] = 0x81000007;
	switch (pick(in, n, 8)) {
	case 0:
	case 1: {
		uint8_t k = (uint8_t)pick(in, n, 6);

		s.flags = (uint8_t)(TCP_SYN | (pick(in, n, 6) ? 0 : TCP_ECE | TCP_CWR));
		s.opt = opt_linux;
		s.optlen = k * 4U;
		s.len = pick(in, n, 6) ? 0 : pick(in, n, 64);
		s.data = data;
		len = frame_tcp(&s, frame);
		break;
	}
	case 2:
		len = other(&s, frame, in, n);
		break;
	case 3:
		s.flags = (uint8_t)pick(in, n, 256);
		s.ack = pick(in, n, 1 << 24);
		len = frame_tcp(&s, frame);
		break;
	default:
		if (w->n)
			converse(w, &s, data, in, n);
		else
			s.flags = TCP_SYN;
		len = frame_tcp(&s, frame);
	}
	if (!pick(in, n, 6))
		distort(frame, &len, in, n);
	world_frame(w, frame, len, len + (pick(in, n, 30) ? 0 : pick(in, n, 100)));
	return true;
}
