/* The core: what connections of verified sources get, and how they end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

Test(converse, only_the_first_segment_verifies)
{
	uint8_t data[10] = {0};
	struct shape s = core_syn(20);
	struct pkt a;

	core_begin(false);
	cr_assert(core_answer(&s, &a));
	s.flags = TCP_ACK;
	s.ack = a.seq + 1;
	s.optlen = 0;
	s.data = data;
	s.len = 10;
	s.seq = 1011; /* the first one was lost */
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_UNVERIFIED) == 1);
	s.seq = 1001;
	cr_assert(core_answer(&s, &a) && a.ack == 1011 && counted(RESPONDER_VERIFIED) == 1);
	cr_assert(core->events == 1 && !core->event[0].closed && core->event[0].t.dport == 80);
	core_end();
}

Test(converse, a_conversation_and_its_events)
{
	uint8_t data[10] = {0};
	struct pkt a;

	core_begin(false);
	struct shape s = core_establish(core_syn(20));
	s.data = data;
	s.len = 10;
	s.flags = TCP_ACK | TCP_PSH;
	cr_assert(core_answer(&s, &a) && a.ack == 1011 && a.flags == TCP_ACK &&
		  a.win == (250000 - 10) >> RECEIVER_WSCALE_SHIFT);
	s.seq += 10;
	s.len = 0;
	s.flags = TCP_ACK | TCP_FIN;
	cr_assert(core_answer(&s, &a) && a.ack == 1012 && a.flags == (TCP_ACK | TCP_FIN));
	s.seq++;
	s.ack++;
	s.flags = TCP_ACK;
	cr_assert(!core_answer(&s, &a));
	cr_assert(core->conns.used == 0 && core->events == 2 && counted(RESPONDER_CLOSED_FIN) == 1);
	cr_assert(core->event[1].closed && core->event[1].acked_bytes == 10 &&
		  strcmp(core->event[1].reason, "fin") == 0);
	/* What comes afterwards finds nothing. */
	cr_assert(!core_answer(&s, &a));
	core_end();
}

Test(converse, rst_ends_a_connection_and_stops_a_4_tuple)
{
	struct pkt a;

	core_begin(false);
	struct shape s = core_establish(core_syn(20));
	s.flags = TCP_RST;
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_CLOSED_RST) == 1 &&
		  core->conns.used == 0);
	s = core_syn(20);
	cr_assert(core_answer(&s, &a), "that was a connection: its 4-tuple may come again");
	s.flags = TCP_RST;
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_RSTS) == 1);
	s.flags = TCP_SYN;
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_RST_STOP) == 1);
	s.sport++;
	cr_assert(core_answer(&s, &a));
	s.sport--;
	now += 7 * SECOND;
	cr_assert(core_answer(&s, &a), "after a while");
	core_end();
}

Test(converse, a_new_connection_replaces_the_old_one_of_its_4_tuple)
{
	struct pkt a;

	core_begin(false);
	core_establish(core_syn(20));
	struct shape s = core_syn(20);
	s.seq = 999999;
	core_establish(s);
	cr_assert(core->conns.used == 1 && counted(RESPONDER_CLOSED_EVICTED) == 1 &&
		  counted(RESPONDER_VERIFIED) == 2);
	(void)a;
	core_end();
}

Test(converse, data_on_a_syn_comes_again)
{
	static const uint8_t fastopen[16] = {2, 4, 5, 0xb4, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
	uint8_t data[100] = {0};
	struct shape s = core_syn(0);
	struct pkt a;

	core_begin(false);
	s.opt = fastopen;
	s.optlen = sizeof(fastopen);
	s.data = data;
	s.len = sizeof(data);
	cr_assert(core_answer(&s, &a));
	cr_assert_eq(a.ack, 1001, "only the SYN: without state nothing of it may be acknowledged");
	for (uint8_t i = 0; i < a.opt_len && a.opt[i];
	     i = (uint8_t)(i + (a.opt[i] == 1 ? 1 : a.opt[i + 1])))
		cr_assert_neq(a.opt[i], 34, "no Fast Open cookie is promised");
	s.flags = TCP_ACK | TCP_PSH;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	cr_assert(core_answer(&s, &a) && a.ack == 1101 && counted(RESPONDER_ACKED_BYTES) == 100);
	core_end();
}

Test(converse, the_last_sequence_numbers_wrap)
{
	uint8_t data[10] = {0};
	struct pkt a;

	core_begin(false);
	for (uint32_t i = 0; i < 3; i++) {
		struct shape s = core_syn(20);

		s.seq = UINT32_MAX - i;
		s.sport = (uint16_t)(42000 + i);
		cr_assert(core_answer(&s, &a));
		cr_assert_eq(a.ack, (uint32_t)(0 - i));
		s.flags = TCP_ACK;
		s.seq++;
		s.ack = a.seq + 1;
		s.data = data;
		s.len = 10;
		s.optlen = 0;
		cr_assert(core_answer(&s, &a) && a.ack == 10 - i);
	}
	core_end();
}

Test(converse, a_syn_within_a_connection_disturbs_nothing)
{
	uint8_t data[10] = {0};
	struct pkt a;

	core_begin(false);
	struct shape s = core_establish(core_syn(20)), again = core_syn(20);
	/* The same one late, and another one: each gets its SYN+ACK, and the connection goes on. */
	cr_assert(core_answer(&again, &a) && a.flags == (TCP_SYN | TCP_ACK) && a.seq + 1 == s.ack);
	again.seq = 77777;
	cr_assert(core_answer(&again, &a) && a.seq + 1 != s.ack);
	s.data = data;
	s.len = 10;
	cr_assert(core_answer(&s, &a) && a.ack == 1011 && counted(RESPONDER_VERIFIED) == 1);
	core_end();
}

Test(converse, keys_change_under_handshakes_and_connections)
{
	uint8_t data[10] = {0};
	struct shape s = core_syn(20);
	struct pkt a;

	core_begin(false);
	cr_assert(core_answer(&s, &a));
	now += 64 * SECOND;
	responder_tick(core, now);
	s.flags = TCP_ACK;
	s.seq++;
	s.ack = a.seq + 1;
	s.optlen = 0;
	s.data = data;
	s.len = 10;
	cr_assert(core_answer(&s, &a) && a.ack == 1011, "a handshake across a change of keys");
	for (int i = 0; i < 10; i++) {
		now += 50 * SECOND;
		responder_tick(core, now);
		s.seq += 10;
		cr_assert(core_answer(&s, &a) && a.ack == s.seq + 10,
			  "a connection outlives its key");
	}
	cr_assert_eq(counted(RESPONDER_VERIFIED), 1);
	core_end();
}

Test(converse, a_rst_that_is_not_the_connections_stops_the_4_tuple)
{
	struct pkt a;

	core_begin(false);
	core_establish(core_syn(20));
	struct shape s = core_syn(20);
	s.seq = UINT32_C(0x80000000);
	cr_assert(core_answer(&s, &a));
	s.flags = TCP_RST;
	s.seq++; /* the answer to our SYN+ACK, far from the old connection's window */
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_RSTS) == 1 && core->conns.used == 1);
	s = core_syn(20);
	cr_assert(!core_answer(&s, &a) && counted(RESPONDER_D_RST_STOP) == 1);
	core_end();
}

Test(converse, a_full_table_refuses_but_answers_syns)
{
	uint8_t data[10] = {0};
	struct pkt a;
	char text[32];

	core_begin(false);
	/* Two of each, so that none holds more than its share. */
	for (uint16_t i = 0; i < 64; i++) {
		struct shape s = core_syn(20);

		snprintf(text, sizeof(text), "192.0.2.%d", i / 2 + 1);
		s.src = ip(text);
		s.sport = (uint16_t)(1000 + i);
		core_establish(s);
	}
	struct shape s = core_establish(core_syn(20));
	cr_assert_eq(counted(RESPONDER_D_TABLE), 1);
	s.data = data;
	s.len = 10;
	cr_assert(!core_answer(&s, &a), "not acknowledged");
	cr_assert_eq(counted(RESPONDER_D_TABLE_BYTES), 10);
	now += 6 * SECOND; /* now the longest silent one may go */
	cr_assert(core_answer(&s, &a) && a.ack == 1011);
	cr_assert_eq(counted(RESPONDER_CLOSED_EVICTED), 1);
	core_end();
}

Test(converse, idle_connections_go)
{
	core_begin(false);
	core_establish(core_syn(20));
	responder_tick(core, now + 59 * SECOND);
	cr_assert_eq(core->conns.used, 1);
	responder_tick(core, now + 60 * SECOND);
	cr_assert(core->conns.used == 0 && counted(RESPONDER_CLOSED_IDLE) == 1);
	core_end();
}

Test(converse, shutdown_tells_of_every_connection)
{
	core_begin(false);
	core_establish(core_syn(20));
	core->events = 0;
	cr_assert(!responder_close_all(core, now));
	cr_assert(core->conns.used == 0 && core->events == 1 &&
		  strcmp(core->event[0].reason, "shutdown") == 0);
	core_end();
}

Test(converse, nudge_follows_silence)
{
	uint8_t data[10] = {0};
	uint64_t next;
	struct pkt a;

	core_begin(false);
	core->conf.nudge_ns = 2 * SECOND;
	cr_assert_eq(nudge_add(&core->nudge, "80=hello"), 0);
	struct shape s = core_establish(core_syn(20));
	send_batch_reset(&out);
	cr_assert(!responder_nudge(core, now + SECOND, &out, &next) && out.n == 0 &&
		  next == now + 2 * SECOND);
	now += SECOND;
	s.data = data;
	s.len = 10;
	cr_assert(core_answer(&s, &a));
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
	cr_assert(core_answer(&s, &a) && a.ack == 1021 && a.seq == s.ack);
	send_batch_reset(&out);
	responder_nudge(core, now + 9 * SECOND, &out, &next);
	cr_assert_eq(out.n, 0, "once");
	core_end();
}
