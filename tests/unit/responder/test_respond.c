/* The core as a whole: what each frame is answered with, byte for byte where it matters. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "responder/echo.h"
#include "responder_world.h"

#define SECOND UINT64_C(1000000000)
#define MILLI  UINT64_C(1000000)

static struct world *w;
static struct responder *core;
static struct send_batch out;
static uint64_t now;

static void begin(bool echo)
{
	w = world_new(7, echo);
	core = world_core(w);
	now = world_now(w);
}

static void end(void)
{
	world_free(&w);
}

/* Gives the frame to the core; returns whether it answered, with the answer in *a. */
static bool give(const uint8_t *frame, size_t len, size_t interface_len, struct pkt *a)
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

static bool answer(const struct shape *s, struct pkt *a)
{
	uint8_t frame[FRAME_MAX];
	size_t n = frame_tcp(s, frame);

	return give(frame, n, n, a);
}

static struct shape syn(uint8_t optlen)
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

static uint64_t counted(enum responder_count id)
{
	return core->count[id];
}

/* The handshake; returns the segment that would come next. */
static struct shape establish(struct shape s)
{
	struct pkt a;

	cr_assert(answer(&s, &a));
	s.flags = TCP_ACK;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	cr_assert(!answer(&s, &a));
	return s;
}

Test(respond, a_linux_syn_gets_a_linux_synack)
{
	struct shape s = syn(20);
	struct tcp_opts o;
	struct pkt a;

	begin(false);
	cr_assert(answer(&s, &a));
	cr_assert(a.flags == (TCP_SYN | TCP_ACK) && a.ack == 1001 && a.win == 64240 &&
		  a.ttl == 64 && a.df && a.ip_id == 0 && a.ip_len == 60);
	cr_assert(pkt_cksum(&a) == CKSUM_OK && addr_eq(&a.src, &s.dst) && a.sport == 80 &&
		  a.dport == 40000);
	cr_assert(memcmp(a.mac_dst, mac_peer, 6) == 0 && memcmp(a.mac_src, mac_sensor, 6) == 0);
	tcp_opts_read(a.opt, a.opt_len, &o);
	cr_assert(o.mss == 1460 && o.sack_ok && o.has_ts && o.ts_ecr == 7 &&
		  o.wscale == RECEIVER_WSCALE_SHIFT);
	cr_assert(memcmp(o.kinds, "\2\4\10\1\3", 5) == 0, "in the order Linux has them");
	end();
}

Test(respond, never_longer_than_the_syn)
{
	begin(false);
	/* With each length of options, and what they permit: MSS comes first. */
	for (uint8_t optlen = 0; optlen <= 20; optlen = (uint8_t)(optlen + 4)) {
		struct shape s = syn(optlen);
		struct pkt a;

		s.sport = (uint16_t)(41000 + optlen);
		cr_assert(answer(&s, &a));
		cr_assert_leq(a.ip_len, 40 + optlen);
		cr_assert_eq(a.opt_len > 0, optlen > 0);
		if (optlen)
			cr_assert(a.opt[0] == 2 && a.opt[1] == 4);
	}
	end();
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
	struct shape s = syn(20);
	struct pkt a;

	begin(false);
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::1234");
	s.ext = 2;
	s.tags = 2;
	s.tag[0] = 0x88a80064;
	s.tag[1] = 0x8100e065;
	cr_assert(answer(&s, &a));
	cr_assert(a.tags == 2 && a.tag[0] == 0x88a80064 && a.tag[1] == 0x8100e065 &&
		  a.src.family == 6);
	cr_assert(pkt_cksum(&a) == CKSUM_OK && a.ip_len == 80);
	end();
}

Test(respond, what_gets_no_answer)
{
	struct pkt a;
	uint8_t frame[FRAME_MAX];
	size_t n;

	begin(false);
	struct shape s = syn(20);
	s.dst = ip("203.0.112.5");
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_UNWATCHED) == 1);
	s = syn(20);
	s.dport = 22;
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_UNWATCHED) == 2);
	const char *impossible[] = {"0.1.2.3",         "127.0.0.1",   "224.0.0.1",
				    "255.255.255.255", "203.0.113.1", "203.0.113.5"};
	for (size_t i = 0; i < 6; i++) {
		s = syn(20);
		s.src = ip(impossible[i]);
		cr_assert(!answer(&s, &a) && counted(RESPONDER_D_BOGUS) == i + 1);
	}
	s = syn(20);
	n = frame_tcp(&s, frame);
	frame[0] |= 1;
	cr_assert(!give(frame, n, n, &a) && counted(RESPONDER_D_BOGUS) == 7, "a broadcast");
	n = frame_tcp(&s, frame);
	frame[n - 1] ^= 1;
	cr_assert(!give(frame, n, n, &a) && counted(RESPONDER_D_CHECKSUM) == 1);
	n = frame_tcp(&s, frame);
	frame[22] ^= 1; /* TTL: the header's checksum no longer fits */
	cr_assert(!give(frame, n, n, &a) && counted(RESPONDER_D_CHECKSUM) == 2);
	n = frame_tcp(&s, frame);
	cr_assert(!give(frame, n - 4, n, &a) && counted(RESPONDER_D_CUT) == 1,
		  "cut off by the snap length");
	const uint8_t flags[] = {0,
				 TCP_FIN,
				 TCP_SYN | TCP_FIN,
				 TCP_SYN | TCP_ACK,
				 TCP_SYN | TCP_RST,
				 TCP_PSH | TCP_URG};
	for (size_t i = 0; i < sizeof(flags); i++) {
		s.flags = flags[i];
		cr_assert(!answer(&s, &a) && counted(RESPONDER_D_FLAGS) == i + 1);
	}
	s.flags = TCP_ACK;
	s.ack = 12345;
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_UNVERIFIED) == 1);
	end();
}

Test(respond, only_the_first_segment_verifies)
{
	uint8_t data[10] = {0};
	struct shape s = syn(20);
	struct pkt a;

	begin(false);
	cr_assert(answer(&s, &a));
	s.flags = TCP_ACK;
	s.ack = a.seq + 1;
	s.optlen = 0;
	s.data = data;
	s.len = 10;
	s.seq = 1011; /* the first one was lost */
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_UNVERIFIED) == 1);
	s.seq = 1001;
	cr_assert(answer(&s, &a) && a.ack == 1011 && counted(RESPONDER_VERIFIED) == 1);
	cr_assert(core->events == 1 && !core->event[0].closed && core->event[0].t.dport == 80);
	end();
}

Test(respond, a_conversation_and_its_events)
{
	uint8_t data[10] = {0};
	struct pkt a;

	begin(false);
	struct shape s = establish(syn(20));
	s.data = data;
	s.len = 10;
	s.flags = TCP_ACK | TCP_PSH;
	cr_assert(answer(&s, &a) && a.ack == 1011 && a.flags == TCP_ACK &&
		  a.win == (250000 - 10) >> RECEIVER_WSCALE_SHIFT);
	s.seq += 10;
	s.len = 0;
	s.flags = TCP_ACK | TCP_FIN;
	cr_assert(answer(&s, &a) && a.ack == 1012 && a.flags == (TCP_ACK | TCP_FIN));
	s.seq++;
	s.ack++;
	s.flags = TCP_ACK;
	cr_assert(!answer(&s, &a));
	cr_assert(core->conns.used == 0 && core->events == 2 && counted(RESPONDER_CLOSED_FIN) == 1);
	cr_assert(core->event[1].closed && core->event[1].acked_bytes == 10 &&
		  strcmp(core->event[1].reason, "fin") == 0);
	/* What comes afterwards finds nothing. */
	cr_assert(!answer(&s, &a));
	end();
}

Test(respond, rst_ends_a_connection_and_stops_a_4_tuple)
{
	struct pkt a;

	begin(false);
	struct shape s = establish(syn(20));
	s.flags = TCP_RST;
	cr_assert(!answer(&s, &a) && counted(RESPONDER_CLOSED_RST) == 1 && core->conns.used == 0);
	s = syn(20);
	cr_assert(answer(&s, &a), "that was a connection: its 4-tuple may come again");
	s.flags = TCP_RST;
	cr_assert(!answer(&s, &a) && counted(RESPONDER_RSTS) == 1);
	s.flags = TCP_SYN;
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_RST_STOP) == 1);
	s.sport++;
	cr_assert(answer(&s, &a));
	s.sport--;
	now += 7 * SECOND;
	cr_assert(answer(&s, &a), "after a while");
	end();
}

Test(respond, a_new_connection_replaces_the_old_one_of_its_4_tuple)
{
	struct pkt a;

	begin(false);
	establish(syn(20));
	struct shape s = syn(20);
	s.seq = 999999;
	establish(s);
	cr_assert(core->conns.used == 1 && counted(RESPONDER_CLOSED_EVICTED) == 1 &&
		  counted(RESPONDER_VERIFIED) == 2);
	(void)a;
	end();
}

Test(respond, data_on_a_syn_comes_again)
{
	static const uint8_t fastopen[16] = {2, 4, 5, 0xb4, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
	uint8_t data[100] = {0};
	struct shape s = syn(0);
	struct pkt a;

	begin(false);
	s.opt = fastopen;
	s.optlen = sizeof(fastopen);
	s.data = data;
	s.len = sizeof(data);
	cr_assert(answer(&s, &a));
	cr_assert_eq(a.ack, 1001, "only the SYN: without state nothing of it may be acknowledged");
	for (uint8_t i = 0; i < a.opt_len && a.opt[i];
	     i = (uint8_t)(i + (a.opt[i] == 1 ? 1 : a.opt[i + 1])))
		cr_assert_neq(a.opt[i], 34, "no Fast Open cookie is promised");
	s.flags = TCP_ACK | TCP_PSH;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	cr_assert(answer(&s, &a) && a.ack == 1101 && counted(RESPONDER_ACKED_BYTES) == 100);
	end();
}

Test(respond, ecn_is_not_agreed_to)
{
	struct shape s = syn(20);
	struct pkt a;

	begin(false);
	s.flags = TCP_SYN | TCP_ECE | TCP_CWR;
	cr_assert(answer(&s, &a) && a.flags == (TCP_SYN | TCP_ACK));
	end();
}

Test(respond, the_last_sequence_numbers_wrap)
{
	uint8_t data[10] = {0};
	struct pkt a;

	begin(false);
	for (uint32_t i = 0; i < 3; i++) {
		struct shape s = syn(20);

		s.seq = UINT32_MAX - i;
		s.sport = (uint16_t)(42000 + i);
		cr_assert(answer(&s, &a));
		cr_assert_eq(a.ack, (uint32_t)(0 - i));
		s.flags = TCP_ACK;
		s.seq++;
		s.ack = a.seq + 1;
		s.data = data;
		s.len = 10;
		s.optlen = 0;
		cr_assert(answer(&s, &a) && a.ack == 10 - i);
	}
	end();
}

Test(respond, a_syn_within_a_connection_disturbs_nothing)
{
	uint8_t data[10] = {0};
	struct pkt a;

	begin(false);
	struct shape s = establish(syn(20)), again = syn(20);
	/* The same one late, and another one: each gets its SYN+ACK, and the connection goes on. */
	cr_assert(answer(&again, &a) && a.flags == (TCP_SYN | TCP_ACK) && a.seq + 1 == s.ack);
	again.seq = 77777;
	cr_assert(answer(&again, &a) && a.seq + 1 != s.ack);
	s.data = data;
	s.len = 10;
	cr_assert(answer(&s, &a) && a.ack == 1011 && counted(RESPONDER_VERIFIED) == 1);
	end();
}

Test(respond, keys_change_under_handshakes_and_connections)
{
	uint8_t data[10] = {0};
	struct shape s = syn(20);
	struct pkt a;

	begin(false);
	cr_assert(answer(&s, &a));
	now += 64 * SECOND;
	responder_tick(core, now);
	s.flags = TCP_ACK;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	s.data = data;
	s.len = 10;
	cr_assert(answer(&s, &a) && a.ack == 1011, "a handshake across a change of keys");
	for (int i = 0; i < 10; i++) {
		now += 50 * SECOND;
		responder_tick(core, now);
		s.seq += 10;
		cr_assert(answer(&s, &a) && a.ack == s.seq + 10, "a connection outlives its key");
	}
	cr_assert_eq(counted(RESPONDER_VERIFIED), 1);
	end();
}

Test(respond, a_rst_that_is_not_the_connections_stops_the_4_tuple)
{
	struct pkt a;

	begin(false);
	establish(syn(20));
	struct shape s = syn(20);
	s.seq = UINT32_C(0x80000000);
	cr_assert(answer(&s, &a));
	s.flags = TCP_RST;
	s.seq++; /* the answer to our SYN+ACK, far from the old connection's window */
	cr_assert(!answer(&s, &a) && counted(RESPONDER_RSTS) == 1 && core->conns.used == 1);
	s = syn(20);
	cr_assert(!answer(&s, &a) && counted(RESPONDER_D_RST_STOP) == 1);
	end();
}

Test(respond, an_atomic_fragment_is_whole_and_another_is_not)
{
	struct shape s = syn(20);
	uint8_t frame[FRAME_MAX];
	struct pkt a;
	size_t n;

	begin(false);
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::1234");
	s.ext = 1;
	n = frame_tcp(&s, frame);
	frame[14 + 6] = 44; /* the options header becomes a fragment header: offset 0, no more */
	memset(frame + 14 + 40 + 1, 0, 7);
	cr_assert(give(frame, n, n, &a) && a.ip_len == 80, "RFC 6946");
	frame[14 + 40 + 3] = 1;
	cr_assert(!give(frame, n, n, &a) && counted(RESPONDER_D_CUT) == 1);
	end();
}

Test(respond, a_full_table_refuses_but_answers_syns)
{
	uint8_t data[10] = {0};
	struct pkt a;
	char text[32];

	begin(false);
	/* Two of each, so that none holds more than its share. */
	for (uint16_t i = 0; i < 64; i++) {
		struct shape s = syn(20);

		snprintf(text, sizeof(text), "192.0.2.%d", i / 2 + 1);
		s.src = ip(text);
		s.sport = (uint16_t)(1000 + i);
		establish(s);
	}
	struct shape s = establish(syn(20));
	cr_assert_eq(counted(RESPONDER_D_TABLE), 1);
	s.data = data;
	s.len = 10;
	cr_assert(!answer(&s, &a), "not acknowledged");
	cr_assert_eq(counted(RESPONDER_D_TABLE_BYTES), 10);
	now += 6 * SECOND; /* now the longest silent one may go */
	cr_assert(answer(&s, &a) && a.ack == 1011);
	cr_assert_eq(counted(RESPONDER_CLOSED_EVICTED), 1);
	end();
}

Test(respond, idle_connections_go)
{
	begin(false);
	establish(syn(20));
	responder_tick(core, now + 59 * SECOND);
	cr_assert_eq(core->conns.used, 1);
	responder_tick(core, now + 60 * SECOND);
	cr_assert(core->conns.used == 0 && counted(RESPONDER_CLOSED_IDLE) == 1);
	end();
}

Test(respond, limits_are_counted_by_reason)
{
	struct shape s = syn(20);
	struct pkt a;
	int answered = 0;

	begin(false);
	for (int i = 0; i < 3000; i++) {
		s.sport = (uint16_t)(i + 1);
		s.dport = (uint16_t)(10000 + i);
		answered += answer(&s, &a);
	}
	cr_assert_eq(answered, 2000);
	cr_assert_eq(counted(RESPONDER_D_SOURCE), 1000);
	s.src = ip("198.51.100.3");
	for (int i = 0; i < 3000; i++) {
		s.sport = (uint16_t)(i + 1);
		answered += answer(&s, &a);
	}
	cr_assert_eq(answered, 4000);
	cr_assert_eq(counted(RESPONDER_D_SOURCE) + counted(RESPONDER_D_PREFIX), 2000);
	end();
}

Test(respond, batch_full_is_counted)
{
	struct shape s = syn(20);
	struct pkt p;
	uint8_t frame[FRAME_MAX];
	size_t n = frame_tcp(&s, frame);

	begin(false);
	pkt_decode(1, frame, (uint32_t)n, (uint32_t)n, &p);
	send_batch_reset(&out);
	for (int i = 0; i < SEND_BATCH_FRAMES + 5; i++)
		responder_frame(core, now, &p, &out);
	cr_assert(out.n == SEND_BATCH_FRAMES && counted(RESPONDER_D_BATCH) == 5);
	cr_assert(!send_batch_ready(&out));
	end();
}

Test(respond, shutdown_tells_of_every_connection)
{
	begin(false);
	establish(syn(20));
	core->events = 0;
	cr_assert(!responder_close_all(core, now));
	cr_assert(core->conns.used == 0 && core->events == 1 &&
		  strcmp(core->event[0].reason, "shutdown") == 0);
	end();
}

Test(respond, nudge_follows_silence)
{
	uint8_t data[10] = {0};
	uint64_t next;
	struct pkt a;

	begin(false);
	core->conf.nudge_ns = 2 * SECOND;
	cr_assert_eq(nudge_add(&core->nudge, "80=hello"), 0);
	struct shape s = establish(syn(20));
	send_batch_reset(&out);
	cr_assert(!responder_nudge(core, now + SECOND, &out, &next) && out.n == 0 &&
		  next == now + 2 * SECOND);
	now += SECOND;
	s.data = data;
	s.len = 10;
	cr_assert(answer(&s, &a));
	send_batch_reset(&out);
	responder_nudge(core, now + SECOND, &out, &next);
	cr_assert(out.n == 0 && next == now + 2 * SECOND, "it spoke: silence begins anew");
	responder_nudge(core, now + 2 * SECOND, &out, &next);
	cr_assert(out.n == 1 && next == UINT64_MAX);
	a = frame_pkt(out.mem, out.len[0]);
	cr_assert(pkt_cksum(&a) == CKSUM_OK && a.payload_len == 5 &&
		  memcmp(a.payload, "hello", 5) == 0 && a.flags == (TCP_ACK | TCP_PSH) &&
		  a.ack == 1011);
	/* It is acknowledged, and what follows goes on from there. */
	s.seq += 10;
	s.ack += 5;
	cr_assert(answer(&s, &a) && a.ack == 1021 && a.seq == s.ack);
	send_batch_reset(&out);
	responder_nudge(core, now + 9 * SECOND, &out, &next);
	cr_assert_eq(out.n, 0, "once");
	end();
}

Test(respond, echo_on_request)
{
	uint8_t frame[FRAME_MAX], msg[40] = {8, 0, 0, 0, 1, 2, 3, 4, 'p'};
	struct shape s = syn(0);
	struct pkt a;
	size_t n;

	begin(true);
	n = frame_ip(&s, 1, 57, msg, sizeof(msg), 2, frame);
	cr_assert(give(frame, n, n, &a) && a.proto == 1 && a.sport == 0 && a.ip_len == 60 &&
		  pkt_cksum(&a) == CKSUM_OK);
	cr_assert_eq(cksum_fold(cksum_add(0, out.mem + a.ip_off, 20)), 0);
	s.dst = ip("203.0.113.1");
	n = frame_ip(&s, 1, 57, msg, sizeof(msg), 2, frame);
	cr_assert(!give(frame, n, n, &a), "the host's own kernel answers that");
	s.src = ip("2001:db8:1::2");
	s.dst = ip("2001:db8:ff::9");
	msg[0] = 128;
	n = frame_ip(&s, 58, 57, msg, sizeof(msg), 2, frame);
	cr_assert(give(frame, n, n, &a) && a.sport == 129 && pkt_cksum(&a) == CKSUM_OK &&
		  a.ip_len == 80);
	frame[n - 1] ^= 1;
	cr_assert(!give(frame, n, n, &a));
	core->conf.icmp_echo = false;
	frame[n - 1] ^= 1;
	cr_assert(!give(frame, n, n, &a));
	end();
}
