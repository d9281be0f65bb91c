/* The core: what a single frame is answered with, byte for byte where it matters. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "responder/echo.h"

Test(respond, a_linux_syn_gets_a_linux_synack)
{
	struct shape s = core_syn(20);
	struct tcp_opts o;
	struct pkt a;

	core_begin(false);
	cr_assert(core_answer(&s, &a));
	cr_assert(a.flags == (TCP_SYN | TCP_ACK) && a.ack == 1001 && a.win == 64240 &&
		  a.ttl == 64 && a.df && a.ip_id == 0 && a.ip_len == 60);
	cr_assert(pkt_cksum(&a) == CKSUM_OK && addr_eq(&a.src, &s.dst) && a.sport == 80 &&
		  a.dport == 40000);
	cr_assert(memcmp(a.mac_dst, mac_peer, 6) == 0 && memcmp(a.mac_src, mac_sensor, 6) == 0);
	tcp_opts_read(a.opt, a.opt_len, &o);
	cr_assert(o.mss == 1460 && o.sack_ok && o.has_ts && o.ts_ecr == 7 &&
		  o.wscale == RECEIVER_WSCALE_SHIFT);
	cr_assert(memcmp(o.kinds, "\2\4\10\1\3", 5) == 0, "in the order Linux has them");
	core_end();
}

Test(respond, never_longer_than_the_syn)
{
	core_begin(false);
	/* With each length of options, and what they permit: MSS comes first. */
	for (uint8_t optlen = 0; optlen <= 20; optlen = (uint8_t)(optlen + 4)) {
		struct shape s = core_syn(optlen);
		struct pkt a;

		s.sport = (uint16_t)(41000 + optlen);
		cr_assert(core_answer(&s, &a));
		cr_assert_leq(a.ip_len, 40 + optlen);
		cr_assert_eq(a.opt_len > 0, optlen > 0);
		if (optlen)
			cr_assert(a.opt[0] == 2 && a.opt[1] == 4);
	}
	core_end();
}

Test(respond, options_that_fit)
{
	struct tcp_opts o = {.sack_ok = true, .has_wscale = true, .has_ts = true};
	struct tcp_opts none = {0};

	cr_assert_eq(synack_choose(&o, 0), 0);
	cr_assert_eq(synack_choose(&o, 3), 0);
	cr_assert_eq(synack_choose(&none, 40), SYNACK_MSS, "nothing that was not offered");
	cr_assert_eq(synack_choose(&o, 8), SYNACK_MSS | SYNACK_SACK);
	cr_assert_eq(synack_choose(&o, 19), SYNACK_MSS | SYNACK_SACK | SYNACK_WSCALE);
	cr_assert_eq(synack_choose(&o, 20), SYNACK_MSS | SYNACK_SACK | SYNACK_WSCALE | SYNACK_TS);
	o.sack_ok = false;
	cr_assert_eq(synack_choose(&o, 19), SYNACK_MSS | SYNACK_WSCALE);
	cr_assert_eq(synack_choose(&o, 20), SYNACK_MSS | SYNACK_WSCALE | SYNACK_TS);
	o.has_wscale = false;
	cr_assert_eq(synack_choose(&o, 16), SYNACK_MSS | SYNACK_TS);
}

Test(respond, every_template_is_a_right_packet)
{
	struct segments t;
	struct link l = {.dst = {1}, .src = {2}};
	char err[128];

	cr_assert_eq(segments_init(&t, 1500, err, sizeof(err)), 0, "%s", err);
	for (int v6 = 0; v6 < 2; v6++)
		for (uint8_t set = 0; set < SYNACK_SETS; set++) {
			struct segment g = {.link = &l,
					    .src = ip(v6 ? "2001:db8:ff::5" : "203.0.113.5"),
					    .dst = ip(v6 ? "2001:db8:1::2" : "198.51.100.2"),
					    .sport = 80,
					    .dport = 41234,
					    .seq = 0xfedcba98,
					    .ack = 0x89abcdef,
					    .ip_id = 0xffff,
					    .flow_label = 0xfffff,
					    .ts_val = 0xdeadbeef,
					    .ts_ecr = 0xcafebabe};
			uint8_t frame[200];
			struct pkt p = frame_pkt(frame, synack_write(&t, &g, set, frame));
			struct tcp_opts o;

			cr_assert(p.stop == PKT_L4 && pkt_cksum(&p) == CKSUM_OK && !p.truncated &&
				  p.payload_wire == 0);
			if (!v6)
				cr_assert_eq(cksum_fold(cksum_add(0, frame + p.ip_off, 20)), 0);
			tcp_opts_read(p.opt, p.opt_len, &o);
			cr_assert(!o.broken && o.has_mss == !!(set & SYNACK_MSS) &&
				  o.sack_ok == !!(set & SYNACK_SACK) &&
				  o.has_ts == !!(set & SYNACK_TS) &&
				  o.has_wscale == !!(set & SYNACK_WSCALE));
			if (o.has_mss)
				cr_assert_eq(o.mss, v6 ? 1440 : 1460);
			if (o.has_ts)
				cr_assert(o.ts_val == 0xdeadbeef && o.ts_ecr == 0xcafebabe);
			cr_assert_eq(p.win, v6 ? 64800 : 64240);
		}
}

Test(respond, ipv6_with_extension_headers_and_tags)
{
	struct shape s = core_syn(20);
	struct pkt a;

	core_begin(false);
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::1234");
	s.ext = 2;
	s.tags = 2;
	s.tag[0] = 0x88a80064;
	s.tag[1] = 0x8100e065;
	cr_assert(core_answer(&s, &a));
	cr_assert(a.tags == 2 && a.tag[0] == 0x88a80064 && a.tag[1] == 0x8100e065 &&
		  a.src.family == 6);
	cr_assert(pkt_cksum(&a) == CKSUM_OK && a.ip_len == 80);
	core_end();
}

Test(respond, what_gets_no_answer)
{
	struct pkt a;
	uint8_t frame[FRAME_MAX];
	size_t n;

	core_begin(false);
	struct shape s = core_syn(20);
	s.dst = ip("203.0.112.5");
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_UNWATCHED) == 1);
	s = core_syn(20);
	s.dport = 22;
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_UNWATCHED) == 2);
	const char *impossible[] = {"0.1.2.3",         "127.0.0.1",   "224.0.0.1",
				    "255.255.255.255", "203.0.113.1", "203.0.113.5"};
	for (size_t i = 0; i < 6; i++) {
		s = core_syn(20);
		s.src = ip(impossible[i]);
		cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_BOGUS) == i + 1);
	}
	s = core_syn(20);
	n = frame_tcp(&s, frame);
	frame[0] |= 1;
	cr_assert(!core_give(frame, n, n, &a) && counted(RESPONDER_D_BOGUS) == 7, "a broadcast");
	n = frame_tcp(&s, frame);
	frame[n - 1] ^= 1;
	cr_assert(!core_give(frame, n, n, &a) && counted(RESPONDER_D_CHECKSUM) == 1);
	n = frame_tcp(&s, frame);
	frame[22] ^= 1; /* TTL: the header's checksum no longer fits */
	cr_assert(!core_give(frame, n, n, &a) && counted(RESPONDER_D_CHECKSUM) == 2);
	n = frame_tcp(&s, frame);
	cr_assert(!core_give(frame, n - 4, n, &a) && counted(RESPONDER_D_CUT) == 1,
		  "cut off by the snap length");
	const uint8_t flags[] = {0,
				 TCP_FIN,
				 TCP_SYN | TCP_FIN,
				 TCP_SYN | TCP_ACK,
				 TCP_SYN | TCP_RST,
				 TCP_PSH | TCP_URG};
	for (size_t i = 0; i < sizeof(flags); i++) {
		s.flags = flags[i];
		cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_FLAGS) == i + 1);
	}
	s.flags = TCP_ACK;
	s.ack = 12345;
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_UNVERIFIED) == 1);
	core_end();
}

Test(respond, ecn_is_not_agreed_to)
{
	struct shape s = core_syn(20);
	struct pkt a;

	core_begin(false);
	s.flags = TCP_SYN | TCP_ECE | TCP_CWR;
	cr_assert(core_answer(&s, &a) && a.flags == (TCP_SYN | TCP_ACK));
	core_end();
}

Test(respond, an_atomic_fragment_is_whole_and_another_is_not)
{
	struct shape s = core_syn(20);
	uint8_t frame[FRAME_MAX];
	struct pkt a;
	size_t n;

	core_begin(false);
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::1234");
	s.ext = 1;
	n = frame_tcp(&s, frame);
	frame[14 + 6] = 44; /* the options header becomes a fragment header: offset 0, no more */
	memset(frame + 14 + 40 + 1, 0, 7);
	cr_assert(core_give(frame, n, n, &a) && a.ip_len == 80, "RFC 6946");
	frame[14 + 40 + 3] = 1;
	cr_assert(!core_give(frame, n, n, &a) && counted(RESPONDER_D_CUT) == 1);
	core_end();
}

Test(respond, limits_are_counted_by_reason)
{
	struct shape s = core_syn(20);
	struct pkt a;
	int answered = 0;

	core_begin(false);
	for (int i = 0; i < 3000; i++) {
		s.sport = (uint16_t)(i + 1);
		s.dport = (uint16_t)(10000 + i);
		answered += core_answer(&s, &a);
	}
	cr_assert_eq(answered, 2000);
	cr_assert_eq(counted(RESPONDER_D_SOURCE), 1000);
	s.src = ip("198.51.100.3");
	for (int i = 0; i < 3000; i++) {
		s.sport = (uint16_t)(i + 1);
		answered += core_answer(&s, &a);
	}
	cr_assert_eq(answered, 4000);
	cr_assert_eq(counted(RESPONDER_D_SOURCE) + counted(RESPONDER_D_PREFIX), 2000);
	core_end();
}

Test(respond, batch_full_is_counted)
{
	struct shape s = core_syn(20);
	struct pkt p;
	uint8_t frame[FRAME_MAX];
	size_t n = frame_tcp(&s, frame);

	core_begin(false);
	pkt_decode(1, frame, (uint32_t)n, (uint32_t)n, &p);
	send_batch_reset(&out);
	for (int i = 0; i < SEND_BATCH_FRAMES + 5; i++)
		responder_frame(core, now, &p, &out);
	cr_assert(out.n == SEND_BATCH_FRAMES && counted(RESPONDER_D_BATCH) == 5);
	cr_assert(!send_batch_ready(&out));
	core_end();
}

Test(respond, echo_on_request)
{
	uint8_t frame[FRAME_MAX], msg[40] = {8, 0, 0, 0, 1, 2, 3, 4, 'p'};
	struct shape s = core_syn(0);
	struct pkt a;
	size_t n;

	core_begin(true);
	n = frame_ip(&s, 1, 57, msg, sizeof(msg), 2, frame);
	cr_assert(core_give(frame, n, n, &a) && a.proto == 1 && a.sport == 0 && a.ip_len == 60 &&
		  pkt_cksum(&a) == CKSUM_OK);
	cr_assert_eq(cksum_fold(cksum_add(0, out.mem + a.ip_off, 20)), 0);
	s.dst = ip("203.0.113.1");
	n = frame_ip(&s, 1, 57, msg, sizeof(msg), 2, frame);
	cr_assert(!core_give(frame, n, n, &a), "the host's own kernel answers that");
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::9");
	msg[0] = 128;
	n = frame_ip(&s, 58, 57, msg, sizeof(msg), 2, frame);
	cr_assert(core_give(frame, n, n, &a) && a.sport == 129 && pkt_cksum(&a) == CKSUM_OK &&
		  a.ip_len == 80);
	frame[n - 1] ^= 1;
	cr_assert(!core_give(frame, n, n, &a));
	core->conf.icmp_echo = false;
	frame[n - 1] ^= 1;
	cr_assert(!core_give(frame, n, n, &a));
	core_end();
}
