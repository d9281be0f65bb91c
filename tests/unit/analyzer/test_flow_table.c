/* Which flow a packet belongs to, and what a flow is. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_rig.h"

Test(flows, a_conversation)
{
	struct rig_table t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	rig_say(&t, SERVER, 901, 106, TCP_ACK, "welcome", true);
	struct rig_got g = rig_end(&t);
	cr_assert(eq(sz, g.n, 1));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hello"));
	cr_assert(eq(u64, g.flow[0].packets, 5));
	cr_assert(eq(int, g.flow[0].sport, 1000));
	cr_assert(g.flow[0].verified);
	cr_assert(eq(str, g.flow[0].sha256,
		     (char *)"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
}

Test(flows, who_is_the_initiator)
{
	/* SYN+ACK first: its receiver. */
	struct rig_table t = rig_table_of(1 << 24);
	rig_say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	struct rig_got g = rig_end(&t);
	cr_assert(eq(int, g.flow[0].sport, 1000));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hello"));
	/* Neither: the sender of the first packet. */
	t = rig_table_of(1 << 24);
	rig_say(&t, SERVER, 900, 101, TCP_ACK, "welcome", true);
	rig_say(&t, CLIENT, 101, 907, TCP_ACK, "hello", true);
	g = rig_end(&t);
	cr_assert(eq(int, g.flow[0].sport, 80));
	cr_assert(eq(str, g.flow[0].payload, (char *)"welcome"));
	/* A SYN that the capture has late decides all the same. */
	t = rig_table_of(1 << 24);
	rig_say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	g = rig_end(&t);
	cr_assert(eq(sz, g.n, 1));
	cr_assert(eq(int, g.flow[0].sport, 1000));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hello"));
}

Test(flows, where_a_flow_splits)
{
	struct rig_table t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "first", true);
	rig_say(&t, CLIENT, 50000, 0, TCP_SYN, "", true); /* another ISN */
	rig_say(&t, CLIENT, 50000, 0, TCP_SYN, "", true); /* the same again */
	rig_say(&t, CLIENT, 50001, 0, TCP_ACK, "second", true);
	struct rig_got g = rig_end(&t);
	cr_assert(eq(sz, g.n, 2));
	cr_assert(eq(str, g.flow[0].payload, (char *)"first"));
	cr_assert(eq(str, g.flow[1].payload, (char *)"second"));
	cr_assert(eq(u64, g.flow[1].first_no, 4));
	cr_assert(eq(u64, g.flow[1].packets, 3));

	/* After an orderly end even the same ISN; after a refusal it is the same attempt. */
	t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_FIN | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, rig_end(&t).n, 2));
	t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	rig_say(&t, SERVER, 0, 101, TCP_RST | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, rig_end(&t).n, 1));
	/* A SYN that cannot belong to what was seen without one. */
	t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "tail", true);
	rig_say(&t, CLIENT, 0x80000000, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, rig_end(&t).n, 2));
	t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "", true);
	rig_say(&t, CLIENT, 0x80000000, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, rig_end(&t).n, 2));
	/* Both send a SYN: one connection. */
	t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	rig_say(&t, SERVER, 900, 0, TCP_SYN, "", true);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "hi", true);
	g = rig_end(&t);
	cr_assert(eq(sz, g.n, 1));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hi"));
}

Test(flows, idle_time_splits_only_when_asked)
{
	for (int asked = 0; asked < 2; asked++) {
		struct rig_table t = rig_table_of(1 << 24);
		flow_table_free(&t.t);
		t.o.idle_ns = asked ? 1000000 : 0;
		cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
		rig_say(&t, CLIENT, 101, 901, TCP_ACK, "a", true);
		t.now_ns += 10000000;
		rig_say(&t, CLIENT, 102, 901, TCP_ACK, "b", true);
		cr_assert(eq(sz, rig_end(&t).n, asked ? 2 : 1));
	}
}

Test(flows, wrong_checksums)
{
	/* Out, once right ones were seen, and the bytes that came right are in. */
	struct rig_table t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "junk", false);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "good", true);
	rig_say(&t, SERVER, 901, 105, TCP_ACK, "", true);
	rig_say(&t, CLIENT, 105, 901, TCP_ACK, "!", false);
	struct rig_got g = rig_end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"good"));
	cr_assert(eq(u64, g.flow[0].bad_checksums, 1));
	cr_assert(eq(u64, g.flow[0].packets, 7));
	/* The receiver acknowledged what only came wrong: then it is the capture that is wrong. */
	t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "GET ", false);
	rig_say(&t, SERVER, 901, 105, TCP_ACK, "", true);
	rig_say(&t, CLIENT, 105, 901, TCP_ACK, "/", false);
	g = rig_end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"GET /"));
	cr_assert(eq(u64, g.flow[0].bad_checksums, 0));
	/* Nothing else came. */
	t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "only", false);
	g = rig_end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"only"));
	/* A SYN with a wrong checksum splits nothing. */
	t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 7777, 901, TCP_SYN, "", false);
	cr_assert(eq(sz, rig_end(&t).n, 1));
}

Test(flows, bytes_in_a_reset)
{
	struct rig_table t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_ACK, "data", true);
	rig_say(&t, CLIENT, 105, 901, TCP_RST | TCP_ACK, "why", true);
	struct rig_got g = rig_end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"data"));
	t = rig_table_of(1 << 24);
	rig_handshake(&t, 100, 900);
	rig_say(&t, CLIENT, 101, 901, TCP_RST | TCP_ACK, "why", true);
	g = rig_end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"why"));
}

Test(flows, who_is_verified)
{
	struct rig_table t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	rig_say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 101, 0, TCP_RST, "", true); /* a victim's kernel does that, too */
	struct rig_got g = rig_end(&t);
	cr_assert(not(g.flow[0].verified));
	t = rig_table_of(1 << 24);
	rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	rig_say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	rig_say(&t, CLIENT, 101, 4711, TCP_ACK, "guess", true);
	g = rig_end(&t);
	cr_assert(not(g.flow[0].verified));
}

/* Two SYNs with different options get two ISNs. Each of them proves the source, what lies between
 * them does not. */
Test(flows, verified_is_one_of_our_isns)
{
	static const struct {
		uint32_t ack;
		bool verified;
	} rows[] = {{901, true},         {0x80000901, true},  {900, false},
		    {902, false},        {0x40000000, false}, {0x80000900, false},
		    {0x80000902, false}, {0xc0000000, false}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig_table t = rig_table_of(1 << 24);
		rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		rig_say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
		rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		rig_say(&t, SERVER, 0x80000900, 101, TCP_SYN | TCP_ACK, "", true);
		rig_say(&t, CLIENT, 101, rows[i].ack, TCP_ACK, "GET /", true);
		struct rig_got g = rig_end(&t);
		cr_assert(eq(sz, g.n, 1));
		cr_assert(eq(int, g.flow[0].verified, rows[i].verified), "ack %x", rows[i].ack);
		cr_assert(eq(str, g.flow[0].payload, (char *)"GET /"));
	}
}

/* All eight that the responder can make of one key are remembered. */
Test(flows, verified_by_each_of_eight_isns)
{
	for (uint32_t right = 0; right < FLOW_MAX_ISNS; right++) {
		struct rig_table t = rig_table_of(1 << 24);
		rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 0; i < FLOW_MAX_ISNS; i++)
			rig_say(&t, SERVER, 1000 * (i + 1), 101, TCP_SYN | TCP_ACK, "", true);
		rig_say(&t, CLIENT, 101, 1000 * (right + 1) + 1, TCP_ACK, "", true);
		struct rig_got g = rig_end(&t);
		cr_assert(g.flow[0].verified, "the ISN number %u", right);
	}
}

/* Of any number of ISNs the latest ones count. */
Test(flows, verified_by_the_latest_isns)
{
	for (uint32_t n = FLOW_MAX_ISNS; n < 600; n += 7) {
		struct rig_table t = rig_table_of(1 << 24);
		rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 1; i <= n; i++)
			rig_say(&t, SERVER, 1000 * i, 101, TCP_SYN | TCP_ACK, "", true);
		rig_say(&t, CLIENT, 101, 1000 * (n - FLOW_MAX_ISNS + 2) + 1, TCP_ACK, "", true);
		cr_assert(rig_end(&t).flow[0].verified, "%u ISNs", n);
		t = rig_table_of(1 << 24);
		rig_say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 1; i <= n; i++)
			rig_say(&t, SERVER, 1000 * i, 101, TCP_SYN | TCP_ACK, "", true);
		rig_say(&t, CLIENT, 101, 1000 * (n + 1) + 1, TCP_ACK, "", true);
		cr_assert(not(rig_end(&t).flow[0].verified), "%u ISNs", n);
	}
}

Test(flows, datagrams_and_fragments)
{
	struct rig_table t = rig_table_of(1 << 24);
	struct frame f = {0};
	ip4(&f, 17, 8 + 16);
	udp(&f, 7, 53, 24);
	put(&f, "sixteen bytes!!!", 16);
	rig_feed(&t, &f);
	/* The same again in two fragments: one packet. */
	for (int part = 0; part < 2; part++) {
		struct frame g = {0};
		ip4(&g, 17, part ? 8 : 16);
		put_be16(g.b + 6, part ? 2 : 0x2000);
		put(&g, f.b + 20 + part * 16, part ? 8 : 16);
		rig_feed(&t, &g);
	}
	/* And one that never completes. */
	struct frame g = {0};
	ip4(&g, 17, 16);
	put_be16(g.b + 4, 999);
	put_be16(g.b + 6, 0x2000);
	put(&g, f.b + 20, 16);
	rig_feed(&t, &g);
	cr_assert(eq(u32, flow_table_incomplete(t.t), 1));
	cr_assert(eq(u64, flow_table_defrag(t.t)->completed, 1));
	struct rig_got got = rig_end(&t);
	cr_assert(eq(sz, got.n, 1));
	cr_assert(eq(u64, got.flow[0].packets, 2));
	cr_assert(eq(str, got.flow[0].payload, (char *)"sixteen bytes!!!sixteen bytes!!!"));
}

Test(flows, tunnels_give_further_flows)
{
	struct rig_table t = rig_table_of(1 << 24);
	for (int i = 0; i < 2; i++) {
		struct frame f = {0};
		ip4(&f, 47, 4 + 20 + 20 + 10);
		if (i) /* the way back: the same tunnel, other direction */
			memcpy(f.b + 12, "\306\63\144\2\300\0\2\1", 8);
		put(&f, "\0\0\10\0", 4);
		uint32_t outer = f.n;
		ip4(&f, 4, 20 + 10);
		ip4(&f, 17, 10);
		udp(&f, 5, 6, 10);
		put(&f, "in", 2);
		(void)outer;
		rig_feed(&t, &f);
	}
	struct rig_got g = rig_end(&t);
	cr_assert(eq(sz, g.n, 3));
	cr_assert(eq(str, g.flow[0].tunnel, (char *)""));
	cr_assert(eq(u64, g.flow[0].packets, 2));
	cr_assert(eq(str, g.flow[1].tunnel, (char *)"gre 192.0.2.1 198.51.100.2"));
	cr_assert(eq(str, g.flow[2].tunnel, (char *)"ipip 192.0.2.1 198.51.100.2"));
	cr_assert(eq(str, g.flow[2].payload, (char *)"inin"));
	cr_assert(eq(u64, g.flow[2].packets, 2));
}

/* Whoever sends the outer packets can make up both ends of what is inside, handshake included. */
Test(flows, nothing_inside_a_tunnel_is_verified)
{
	static const struct {
		int who;
		uint32_t seq, ack;
		uint8_t flags;
	} steps[] = {{CLIENT, 100, 0, TCP_SYN},
		     {SERVER, 900, 101, TCP_SYN | TCP_ACK},
		     {CLIENT, 101, 901, TCP_ACK}};

	for (int inside = 0; inside < 2; inside++) {
		struct rig_table t = rig_table_of(1 << 24);
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			bool client = steps[i].who == CLIENT;
			struct frame f = {0};
			if (inside)
				ip4(&f, 4, 40);
			uint32_t at = ip4(&f, 6, 20);
			if (!client)
				memcpy(f.b + at + 12, "\306\63\144\2\300\0\2\1", 8);
			uint32_t h = tcp(&f, client ? 1000 : 80, client ? 80 : 1000, steps[i].seq,
					 steps[i].flags);
			put_be32(f.b + h + 8, steps[i].ack);
			rig_feed(&t, &f);
		}
		struct rig_got g = rig_end(&t);
		cr_assert(eq(sz, g.n, 1 + (size_t)inside));
		cr_assert(eq(u64, g.flow[inside].packets, 3));
		cr_assert(eq(int, g.flow[inside].verified, !inside));
	}
}

/* IP in IP: four tunnels are looked into, a packet with more counts. */
Test(flows, tunnels_in_too_many_tunnels)
{
	struct rig_table t = rig_table_of(1 << 24);
	for (int outer = 4; outer <= 5; outer++) {
		struct frame f = {0};
		for (int i = outer; i; i--)
			ip4(&f, 4, (uint32_t)i * 20 + 8);
		ip4(&f, 17, 8);
		udp(&f, 5, 6, 8);
		rig_feed(&t, &f);
	}
	cr_assert(eq(u64, flow_table_counts(t.t)->deep, 1));
	struct rig_got g = rig_end(&t);
	cr_assert(eq(sz, g.n, 6)); /* of the second packet, what is where the first has UDP */
}
