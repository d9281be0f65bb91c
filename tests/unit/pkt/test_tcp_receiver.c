/* What a TCP says to each kind of segment: acknowledges what came, shows what is missing, ends
 * politely. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "pkt/tcp_receiver.h"

#define IRS   UINT32_C(0xfffffff0) /* sequence numbers wrap in every test */
#define ISN   UINT32_C(5000)
#define LIMIT 1000000

static struct receiver s;
static struct receiver_reply r;
static uint32_t clock_ms = 70;

static void begin(uint8_t promised, uint64_t limit)
{
	receiver_init(&s, IRS, ISN, promised, 1000, limit);
}

/* A segment at offset `at` from the first byte. */
static enum receiver_end in_ack(int32_t at, uint32_t len, uint8_t flags, uint32_t ack)
{
	struct pkt p = {.seq = IRS + 1 + (uint32_t)at,
			.ack = ISN + 1 + ack,
			.flags = flags,
			.payload_wire = len,
			.payload_len = len};

	if (!receiver_takes(&s, &p)) {
		memset(&r, 0, sizeof r);
		r.ack = 0xdead;
		return RECEIVER_OPEN;
	}
	return receiver_segment(&s, &p, clock_ms, &r);
}

static enum receiver_end in(int32_t at, uint32_t len, uint8_t flags)
{
	return in_ack(at, len, flags | TCP_ACK, 0);
}

static uint32_t acked(void)
{
	return r.ack - (IRS + 1);
}

static uint32_t word(uint8_t at)
{
	uint32_t v;

	memcpy(&v, r.opt + at, 4);
	return ntohl(v);
}

Test(stream, in_order)
{
	begin(0, LIMIT);
	cr_assert_eq(in(0, 0, 0), RECEIVER_OPEN);
	cr_assert(!r.send, "a plain acknowledgment needs no answer");
	in(0, 100, TCP_PSH);
	cr_assert(r.send && !r.fin && acked() == 100 && r.seq == ISN + 1 && r.win == 65535 &&
		  r.optlen == 0);
	in(100, 1400, 0);
	cr_assert_eq(acked(), 1500);
	cr_assert_eq(s.received, 1500);
}

Test(stream, again_and_overlapping)
{
	begin(0, LIMIT);
	in(0, 100, 0);
	in(0, 100, 0);
	cr_assert(r.send && acked() == 100 && s.received == 100, "sent again: acknowledged again");
	in(50, 100, 0);
	cr_assert(acked() == 150 && s.received == 150);
	in(-30, 20, 0);
	cr_assert(r.send && acked() == 150);
}

Test(stream, out_of_order_without_sack)
{
	begin(0, LIMIT);
	in(0, 100, 0);
	in(200, 100, 0);
	cr_assert(r.send && acked() == 100 && r.optlen == 0);
	in(100, 100, 0);
	cr_assert(acked() == 300 && s.received == 300 && s.ranges == 0);
}

Test(stream, sack_blocks)
{
	begin(RECEIVER_SACK, LIMIT);
	in(200, 100, 0);
	cr_assert(acked() == 0 && r.optlen == 12 && word(0) == 0x0101050a);
	cr_assert(word(4) == IRS + 1 + 200 && word(8) == IRS + 1 + 300);
	in(400, 100, 0);
	cr_assert(r.optlen == 20 && word(4) == IRS + 1 + 400, "the newest first");
	in(300, 50, 0);
	cr_assert(r.optlen == 20 && word(4) == IRS + 1 + 200 && word(8) == IRS + 1 + 350, "grown");
	in(350, 50, 0);
	cr_assert(r.optlen == 12 && word(8) == IRS + 1 + 500, "joined");
	in(0, 250, 0);
	cr_assert(acked() == 500 && r.optlen == 0 && s.received == 500);
}

Test(stream, holes_are_bounded)
{
	begin(RECEIVER_SACK | RECEIVER_TS, LIMIT);
	for (int32_t i = 1; i <= RECEIVER_HOLES; i++) {
		in(i * 100, 10, 0);
		cr_assert_eq(r.untracked_bytes, 0);
	}
	cr_assert_eq(r.optlen, 12 + 4 + 3 * 8, "three blocks fit beside timestamps");
	in(900, 10, 0);
	cr_assert_eq(r.untracked_bytes, 10, "one hole too many is not remembered");
	in(0, 100, 0);
	cr_assert_eq(acked(), 110, "and nothing beyond is acknowledged");
	in(110, 2000, 0);
	cr_assert_eq(acked(), 2110);
	cr_assert_eq(s.ranges, 0);
}

Test(stream, four_blocks_without_timestamps)
{
	begin(RECEIVER_SACK, LIMIT);
	for (int32_t i = 1; i <= RECEIVER_HOLES; i++)
		in(i * 100, 10, 0);
	cr_assert_eq(r.optlen, 4 + 4 * 8);
}

Test(stream, window)
{
	begin(0, LIMIT);
	in(65535 - 10, 20, 0);
	cr_assert_eq(r.untracked_bytes, 10, "beyond the window");
	cr_assert(s.ranges == 1 && s.range[0].to - s.range[0].from == 10);
	in(70000, 10, 0);
	cr_assert(r.untracked_bytes == 10 && s.ranges == 1 && r.send);
	begin(RECEIVER_WSCALE, LIMIT);
	in(0, 10, 0);
	cr_assert_eq(r.win, RECEIVER_WINDOW >> RECEIVER_WSCALE_SHIFT);
	in(200000, 10, 0);
	cr_assert_eq(s.ranges, 1);
}

Test(stream, timestamps)
{
	uint8_t opt[12] = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
	struct pkt p = {.seq = IRS + 1,
			.ack = ISN + 1,
			.flags = TCP_ACK,
			.payload_wire = 5,
			.opt = opt,
			.opt_len = 12};

	begin(RECEIVER_TS, LIMIT);
	receiver_segment(&s, &p, 70, &r);
	cr_assert(r.optlen == 12 && word(0) == 0x0101080a && word(4) == 1070 && word(8) == 9);
	/* From ahead of a hole it does not count. */
	p.seq += 100;
	opt[7] = 50;
	receiver_segment(&s, &p, 71, &r);
	cr_assert_eq(word(8), 9);
	p.seq = IRS + 6;
	receiver_segment(&s, &p, 72, &r);
	cr_assert_eq(word(8), 50);
	/* Older values do not go back. */
	opt[7] = 20;
	p.seq = IRS + 11;
	receiver_segment(&s, &p, 73, &r);
	cr_assert_eq(word(8), 50);
}

Test(stream, keepalive_and_probe)
{
	begin(0, LIMIT);
	in(0, 100, 0);
	in(99, 0, 0);
	cr_assert(r.send && acked() == 100, "keepalive without a byte");
	in(99, 1, 0);
	cr_assert(r.send && acked() == 100 && s.received == 100, "keepalive with a byte");
	in(150, 0, 0);
	cr_assert(!r.send, "a plain acknowledgment behind a hole");
	clock_ms += RECEIVER_CHALLENGE_MS;
	in(100 + 65536, 0, 0);
	cr_assert(r.send, "outside the window (RFC 9293 3.10.7.4)");
}

Test(stream, fin)
{
	begin(0, LIMIT);
	cr_assert_eq(in(0, 10, TCP_FIN), RECEIVER_OPEN);
	cr_assert(r.send && r.fin && acked() == 11 && r.seq == ISN + 1);
	/* Ours was lost: the client's FIN again brings it again. */
	cr_assert_eq(in(0, 10, TCP_FIN), RECEIVER_OPEN);
	cr_assert(r.fin && r.seq == ISN + 1 && acked() == 11);
	cr_assert_eq(in_ack(11, 0, TCP_ACK, 1), RECEIVER_FIN);
	cr_assert(!r.send);
}

Test(stream, fin_behind_a_hole_waits)
{
	begin(0, LIMIT);
	in(10, 10, TCP_FIN);
	cr_assert(r.send && !r.fin && acked() == 0);
	in(0, 10, 0);
	cr_assert(r.fin && acked() == 21, "the hole is filled: it counts");
	cr_assert_eq(s.received, 20, "a FIN is no byte");
	/* Beyond the window, or before what is acknowledged, it says nothing. */
	begin(0, LIMIT);
	in(70000, 0, TCP_FIN);
	cr_assert(r.send && !s.fin_known);
	in(0, 100, 0);
	in(50, 10, TCP_FIN);
	cr_assert(r.send && !r.fin && acked() == 100 && !s.fin_known);
}

Test(stream, simultaneous_fin_at_the_limit)
{
	begin(0, 100);
	in(0, 60, 0);
	cr_assert(r.win == 40 && !r.fin);
	in(60, 60, 0);
	cr_assert(acked() == 100 && r.win == 0 && r.fin && r.untracked_bytes == 20);
	in(100, 50, 0);
	cr_assert(r.send && acked() == 100 && r.untracked_bytes == 50, "nothing beyond the limit");
	/* Its FIN crosses ours. */
	cr_assert_eq(in(100, 0, TCP_FIN), RECEIVER_OPEN);
	cr_assert(r.send && acked() == 101);
	cr_assert_eq(in_ack(101, 0, TCP_ACK, 1), RECEIVER_OPEN);
	cr_assert(!r.send);
	/* Our acknowledgment of its FIN was lost: who closed first can give it again. */
	cr_assert_eq(in_ack(100, 0, TCP_ACK | TCP_FIN, 1), RECEIVER_OPEN);
	cr_assert(r.send && !r.fin && acked() == 101 && r.seq == ISN + 2);
}

Test(stream, fin_at_the_limit_is_had_again)
{
	begin(0, 100);
	in(0, 100, 0);
	cr_assert(r.fin && r.win == 0 && r.seq == ISN + 1);
	in(200, 50, 0);
	cr_assert(r.send && !r.fin && r.seq == ISN + 2, "what was on its way does not ask for it");
	in(100, 1, 0);
	cr_assert(r.fin && r.seq == ISN + 1, "a probe with data");
	in(99, 0, 0);
	cr_assert(r.fin && r.seq == ISN + 1, "a probe without");
	in_ack(100, 1, TCP_ACK, 1);
	cr_assert(r.send && !r.fin && r.seq == ISN + 2, "it arrived");
}

Test(stream, nothing_lies_beyond_a_fin)
{
	begin(RECEIVER_SACK, LIMIT);
	in(11, 10, 0);
	cr_assert_eq(s.ranges, 1);
	in(0, 10, TCP_FIN);
	cr_assert(r.fin && acked() == 11 && r.optlen == 0,
		  "no block begins at what is acknowledged");
}

Test(stream, data_after_fin_is_not_taken)
{
	begin(0, LIMIT);
	in(0, 10, TCP_FIN);
	in(11, 10, 0);
	cr_assert_eq(acked(), 11);
	cr_assert_eq(s.received, 10);
}

Test(stream, rst_must_be_exact)
{
	begin(RECEIVER_SACK, LIMIT);
	in(0, 10, 0);
	cr_assert_eq(in_ack(10, 0, TCP_RST, 0), RECEIVER_RST);
	cr_assert(!r.send);
	begin(RECEIVER_SACK, LIMIT);
	in_ack(-5, 0, TCP_RST, 0);
	cr_assert_eq(r.ack, 0xdead, "outside the window it is blind");
	in_ack(70000, 0, TCP_RST, 0);
	cr_assert_eq(r.ack, 0xdead);
	/* Inside it may be a guess: who sent it is told where we are (RFC 5961 section 3.2). */
	cr_assert_eq(in_ack(500, 0, TCP_RST, 0), RECEIVER_OPEN);
	cr_assert(r.send && !r.fin && acked() == 0);
	cr_assert_eq(in_ack(501, 0, TCP_RST, 0), RECEIVER_OPEN);
	cr_assert(!r.send, "not for each guess");
	clock_ms += RECEIVER_CHALLENGE_MS;
	cr_assert_eq(in_ack(502, 0, TCP_RST, 0), RECEIVER_OPEN);
	cr_assert(r.send);
	/* A client that gave up while its data was on the way. */
	in(200, 100, 0);
	cr_assert_eq(in_ack(299, 0, TCP_RST, 0), RECEIVER_OPEN);
	cr_assert_eq(in_ack(300, 0, TCP_RST, 0), RECEIVER_RST);
}

Test(stream, two_ends_that_disagree_fall_silent)
{
	int answers = 0;

	begin(0, LIMIT);
	in(0, 100, 0);
	for (int i = 0; i < 10000; i++, clock_ms++) {
		in(i % 2 ? 50 : 70000, 0, 0);
		answers += r.send;
	}
	cr_assert_eq(answers, 10000 / RECEIVER_CHALLENGE_MS);
	in(50, 10, 0);
	cr_assert(r.send, "data is always answered");
}

Test(stream, what_came_twice_is_named)
{
	begin(RECEIVER_SACK, LIMIT);
	in(0, 100, 0);
	cr_assert_eq(r.optlen, 0);
	in(50, 100, 0);
	cr_assert(r.optlen == 12 && word(4) == IRS + 1 + 50 && word(8) == IRS + 1 + 100 &&
		  acked() == 150);
	in(300, 10, 0);
	in(0, 100, 0);
	cr_assert(r.optlen == 20 && word(4) == IRS + 1 && word(8) == IRS + 1 + 100,
		  "RFC 2883: first");
	cr_assert(word(12) == IRS + 1 + 300 && word(16) == IRS + 1 + 310);
	in(-1, 1, 0);
	cr_assert(r.send && r.optlen == 12, "a keepalive's byte before the first is none");
	begin(RECEIVER_SACK | RECEIVER_TS, LIMIT);
	in(0, 100, 0);
	for (int32_t i = 1; i <= RECEIVER_HOLES; i++)
		in(i * 200, 10, 0);
	in(0, 100, 0);
	cr_assert(r.optlen == 12 + 4 + 3 * 8 && word(16) == IRS + 1, "within what fits");
}

Test(stream, urgent_data_is_data)
{
	begin(0, LIMIT);
	in(0, 100, TCP_URG | TCP_PSH);
	cr_assert(acked() == 100 && s.received == 100);
}

Test(stream, the_window_never_moves_back)
{
	uint32_t edge = 0;

	/* Odd sizes up to the limit, scaled: what was once offered stays offered, to the last
	 * unit. */
	begin(RECEIVER_WSCALE, LIMIT);
	while (s.received < LIMIT - (1 << RECEIVER_WSCALE_SHIFT)) {
		in((int32_t)s.received, 1013, 0);
		uint32_t at = acked() + ((uint32_t)r.win << RECEIVER_WSCALE_SHIFT);
		cr_assert_geq(at + (1 << RECEIVER_WSCALE_SHIFT), edge, "%u after %u", at, edge);
		edge = at > edge ? at : edge;
		if (s.full)
			break;
	}
	cr_assert(r.fin && r.win == 0 && acked() > LIMIT - (1 << RECEIVER_WSCALE_SHIFT) &&
		  acked() <= LIMIT);
}

Test(stream, takes_only_what_acknowledges_us)
{
	begin(0, LIMIT);
	in_ack(0, 10, TCP_ACK, 1);
	cr_assert_eq(r.ack, 0xdead, "ahead of what we sent");
	in_ack(0, 10, TCP_ACK, UINT32_MAX);
	cr_assert_eq(r.ack, 0xdead, "before our ISN");
	in_ack(0, 10, TCP_PSH, 0);
	cr_assert_eq(r.ack, 0xdead, "no ACK");
	in_ack(0, 10, TCP_ACK | TCP_SYN, 0);
	cr_assert_eq(r.ack, 0xdead, "a SYN");
}
