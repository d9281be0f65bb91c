#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pkt/frame.h"
#include "record/record.h"
#include "table/flow_table.h"

/* A capture in the making: packets go straight into the table. */
struct table {
	struct flow_table *t;
	struct flow_table_options o;
	uint64_t no, now_ns;
};

struct got {
	struct {
		struct addr src;
		uint16_t sport, dport;
		uint64_t packets, first_no, bad_checksums;
		char payload[64], tunnel[80], sha256[65];
		size_t len;
		bool verified;
	} flow[16];
	size_t n;
};

static struct table table_of(size_t memory)
{
	struct table t = {.o = {.stream = {.max_bytes = 16 << 20, .window = 1 << 20},
				.defrag = {.max_datagrams = 16, .max_bytes = 1 << 20},
				.memory = memory,
				.max_flows = 1000000,
				.page_dir = "/tmp"},
			  .now_ns = 1000};
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	return t;
}

static void feed(struct table *t, const struct frame *f)
{
	struct flow_table_packet in = {.no = t->no++, .p.ts_ns = t->now_ns += 1000};
	pkt_decode(101, f->b, f->n, f->n, &in.p);
	cr_assert(eq(int, flow_table_packets(t->t, &in, 1), 0));
}

/* say: a TCP segment between client (192.0.2.1:1000) and server (198.51.100.2:80). */
enum { CLIENT, SERVER };
static void say(struct table *t, int who, uint32_t seq, uint32_t ack, uint8_t flags,
		const char *text, bool good)
{
	struct frame f = {0};
	uint32_t at = ip4(&f, 6, (uint16_t)(20 + strlen(text)));
	if (who == SERVER) {
		memcpy(f.b + at + 12, "\306\63\144\2", 4);
		memcpy(f.b + at + 16, "\300\0\2\1", 4);
	}
	uint32_t h = tcp(&f, who == CLIENT ? 1000 : 80, who == CLIENT ? 80 : 1000, seq, flags);
	put_be32(f.b + h + 8, ack);
	put(&f, text, (uint32_t)strlen(text));
	struct pkt p = decode(101, &f);
	seal(&f, &p, 16);
	if (!good)
		f.b[h + 16] ^= 0x10;
	feed(t, &f);
}

/* One record serves all flows of a test process, as it does in the service: its buffers hold 17
 * MiB, which a sanitizer poisons each time they are made and given back. */
static struct record *the_record(const struct stream_limits *l)
{
	static struct record r;
	static bool made;

	if (!made)
		cr_assert(eq(int, record_init(&r, l->max_bytes), 0));
	made = true;
	return &r;
}

static int take(void *arg, struct flow *f)
{
	struct got *g = arg;
	struct record_source src = {.sensor = "s", .key = "k", .s3path = "p"};
	const struct stream_limits l = {.max_bytes = 16 << 20, .window = 1 << 20};
	cr_assert(lt(sz, g->n, 16));
	struct record *r = the_record(&l);
	cr_assert(eq(int, record_fill(r, &src, &l, f), 0));
	g->flow[g->n].src = r->src;
	g->flow[g->n].sport = (uint16_t)r->m.src_port;
	g->flow[g->n].dport = (uint16_t)r->m.dst_port;
	g->flow[g->n].packets = r->m.packets;
	g->flow[g->n].first_no = f->first_no;
	g->flow[g->n].bad_checksums = r->m.bad_checksums;
	g->flow[g->n].len = r->m.payload.n;
	g->flow[g->n].verified = r->m.verified;
	snprintf(g->flow[g->n].payload, 64, "%.*s", (int)r->m.payload.n,
		 (const char *)r->m.payload.p);
	snprintf(g->flow[g->n].tunnel, 80, "%.*s", (int)r->m.tunnel.n, (const char *)r->m.tunnel.p);
	snprintf(g->flow[g->n].sha256, 65, "%.*s", (int)r->m.payload_sha256.n,
		 (const char *)r->m.payload_sha256.p);
	g->n++;
	record_end(r);
	return 0;
}

/* take_all: gives every flow to fn. 0, what fn returned if not 0, or -errno. */
static int take_all(struct flow_table *t, int (*fn)(void *arg, struct flow *f), void *arg)
{
	struct flow_table_ahead ahead;
	struct flow *f;
	int rc = flow_table_finish(t);

	while (!rc && (rc = flow_table_next(t, &f, &ahead)) == 1)
		rc = fn(arg, f);
	return rc;
}

static struct got end(struct table *t)
{
	struct got g = {0};
	cr_assert(eq(int, take_all(t->t, take, &g), 0));
	flow_table_free(&t->t);
	cr_assert(eq(ptr, t->t, NULL));
	return g;
}

static void handshake(struct table *t, uint32_t isn, uint32_t server)
{
	say(t, CLIENT, isn, 0, TCP_SYN, "", true);
	say(t, SERVER, server, isn + 1, TCP_SYN | TCP_ACK, "", true);
	say(t, CLIENT, isn + 1, server + 1, TCP_ACK, "", true);
}

Test(flows, a_conversation)
{
	struct table t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	say(&t, SERVER, 901, 106, TCP_ACK, "welcome", true);
	struct got g = end(&t);
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
	struct table t = table_of(1 << 24);
	say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	struct got g = end(&t);
	cr_assert(eq(int, g.flow[0].sport, 1000));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hello"));
	/* Neither: the sender of the first packet. */
	t = table_of(1 << 24);
	say(&t, SERVER, 900, 101, TCP_ACK, "welcome", true);
	say(&t, CLIENT, 101, 907, TCP_ACK, "hello", true);
	g = end(&t);
	cr_assert(eq(int, g.flow[0].sport, 80));
	cr_assert(eq(str, g.flow[0].payload, (char *)"welcome"));
	/* A SYN that the capture has late decides all the same. */
	t = table_of(1 << 24);
	say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	say(&t, CLIENT, 101, 901, TCP_ACK, "hello", true);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	g = end(&t);
	cr_assert(eq(sz, g.n, 1));
	cr_assert(eq(int, g.flow[0].sport, 1000));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hello"));
}

Test(flows, where_a_flow_splits)
{
	struct table t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "first", true);
	say(&t, CLIENT, 50000, 0, TCP_SYN, "", true); /* another ISN */
	say(&t, CLIENT, 50000, 0, TCP_SYN, "", true); /* the same again */
	say(&t, CLIENT, 50001, 0, TCP_ACK, "second", true);
	struct got g = end(&t);
	cr_assert(eq(sz, g.n, 2));
	cr_assert(eq(str, g.flow[0].payload, (char *)"first"));
	cr_assert(eq(str, g.flow[1].payload, (char *)"second"));
	cr_assert(eq(u64, g.flow[1].first_no, 4));
	cr_assert(eq(u64, g.flow[1].packets, 3));

	/* After an orderly end even the same ISN; after a refusal it is the same attempt. */
	t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_FIN | TCP_ACK, "", true);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, end(&t).n, 2));
	t = table_of(1 << 24);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	say(&t, SERVER, 0, 101, TCP_RST | TCP_ACK, "", true);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, end(&t).n, 1));
	/* A SYN that cannot belong to what was seen without one. */
	t = table_of(1 << 24);
	say(&t, CLIENT, 101, 901, TCP_ACK, "tail", true);
	say(&t, CLIENT, 0x80000000, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, end(&t).n, 2));
	t = table_of(1 << 24);
	say(&t, CLIENT, 101, 901, TCP_ACK, "", true);
	say(&t, CLIENT, 0x80000000, 0, TCP_SYN, "", true);
	cr_assert(eq(sz, end(&t).n, 2));
	/* Both send a SYN: one connection. */
	t = table_of(1 << 24);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	say(&t, SERVER, 900, 0, TCP_SYN, "", true);
	say(&t, CLIENT, 101, 901, TCP_ACK, "hi", true);
	g = end(&t);
	cr_assert(eq(sz, g.n, 1));
	cr_assert(eq(str, g.flow[0].payload, (char *)"hi"));
}

Test(flows, idle_time_splits_only_when_asked)
{
	for (int asked = 0; asked < 2; asked++) {
		struct table t = table_of(1 << 24);
		flow_table_free(&t.t);
		t.o.idle_ns = asked ? 1000000 : 0;
		cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
		say(&t, CLIENT, 101, 901, TCP_ACK, "a", true);
		t.now_ns += 10000000;
		say(&t, CLIENT, 102, 901, TCP_ACK, "b", true);
		cr_assert(eq(sz, end(&t).n, asked ? 2 : 1));
	}
}

Test(flows, wrong_checksums)
{
	/* Out, once right ones were seen, and the bytes that came right are in. */
	struct table t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "junk", false);
	say(&t, CLIENT, 101, 901, TCP_ACK, "good", true);
	say(&t, SERVER, 901, 105, TCP_ACK, "", true);
	say(&t, CLIENT, 105, 901, TCP_ACK, "!", false);
	struct got g = end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"good"));
	cr_assert(eq(u64, g.flow[0].bad_checksums, 1));
	cr_assert(eq(u64, g.flow[0].packets, 7));
	/* The receiver acknowledged what only came wrong: then it is the capture that is wrong. */
	t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "GET ", false);
	say(&t, SERVER, 901, 105, TCP_ACK, "", true);
	say(&t, CLIENT, 105, 901, TCP_ACK, "/", false);
	g = end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"GET /"));
	cr_assert(eq(u64, g.flow[0].bad_checksums, 0));
	/* Nothing else came. */
	t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "only", false);
	g = end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"only"));
	/* A SYN with a wrong checksum splits nothing. */
	t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 7777, 901, TCP_SYN, "", false);
	cr_assert(eq(sz, end(&t).n, 1));
}

Test(flows, bytes_in_a_reset)
{
	struct table t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_ACK, "data", true);
	say(&t, CLIENT, 105, 901, TCP_RST | TCP_ACK, "why", true);
	struct got g = end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"data"));
	t = table_of(1 << 24);
	handshake(&t, 100, 900);
	say(&t, CLIENT, 101, 901, TCP_RST | TCP_ACK, "why", true);
	g = end(&t);
	cr_assert(eq(str, g.flow[0].payload, (char *)"why"));
}

Test(flows, who_is_verified)
{
	struct table t = table_of(1 << 24);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	say(&t, CLIENT, 101, 0, TCP_RST, "", true); /* a victim's kernel does that, too */
	struct got g = end(&t);
	cr_assert(not(g.flow[0].verified));
	t = table_of(1 << 24);
	say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
	say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
	say(&t, CLIENT, 101, 4711, TCP_ACK, "guess", true);
	g = end(&t);
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
		struct table t = table_of(1 << 24);
		say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		say(&t, SERVER, 900, 101, TCP_SYN | TCP_ACK, "", true);
		say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		say(&t, SERVER, 0x80000900, 101, TCP_SYN | TCP_ACK, "", true);
		say(&t, CLIENT, 101, rows[i].ack, TCP_ACK, "GET /", true);
		struct got g = end(&t);
		cr_assert(eq(sz, g.n, 1));
		cr_assert(eq(int, g.flow[0].verified, rows[i].verified), "ack %x", rows[i].ack);
		cr_assert(eq(str, g.flow[0].payload, (char *)"GET /"));
	}
}

/* All eight that the responder can make of one key are remembered. */
Test(flows, verified_by_each_of_eight_isns)
{
	for (uint32_t right = 0; right < FLOW_MAX_ISNS; right++) {
		struct table t = table_of(1 << 24);
		say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 0; i < FLOW_MAX_ISNS; i++)
			say(&t, SERVER, 1000 * (i + 1), 101, TCP_SYN | TCP_ACK, "", true);
		say(&t, CLIENT, 101, 1000 * (right + 1) + 1, TCP_ACK, "", true);
		struct got g = end(&t);
		cr_assert(g.flow[0].verified, "the ISN number %u", right);
	}
}

/* Of any number of ISNs the latest ones count. */
Test(flows, verified_by_the_latest_isns)
{
	for (uint32_t n = FLOW_MAX_ISNS; n < 600; n += 7) {
		struct table t = table_of(1 << 24);
		say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 1; i <= n; i++)
			say(&t, SERVER, 1000 * i, 101, TCP_SYN | TCP_ACK, "", true);
		say(&t, CLIENT, 101, 1000 * (n - FLOW_MAX_ISNS + 2) + 1, TCP_ACK, "", true);
		cr_assert(end(&t).flow[0].verified, "%u ISNs", n);
		t = table_of(1 << 24);
		say(&t, CLIENT, 100, 0, TCP_SYN, "", true);
		for (uint32_t i = 1; i <= n; i++)
			say(&t, SERVER, 1000 * i, 101, TCP_SYN | TCP_ACK, "", true);
		say(&t, CLIENT, 101, 1000 * (n + 1) + 1, TCP_ACK, "", true);
		cr_assert(not(end(&t).flow[0].verified), "%u ISNs", n);
	}
}

Test(flows, datagrams_and_fragments)
{
	struct table t = table_of(1 << 24);
	struct frame f = {0};
	ip4(&f, 17, 8 + 16);
	udp(&f, 7, 53, 24);
	put(&f, "sixteen bytes!!!", 16);
	feed(&t, &f);
	/* The same again in two fragments: one packet. */
	for (int part = 0; part < 2; part++) {
		struct frame g = {0};
		ip4(&g, 17, part ? 8 : 16);
		put_be16(g.b + 6, part ? 2 : 0x2000);
		put(&g, f.b + 20 + part * 16, part ? 8 : 16);
		feed(&t, &g);
	}
	/* And one that never completes. */
	struct frame g = {0};
	ip4(&g, 17, 16);
	put_be16(g.b + 4, 999);
	put_be16(g.b + 6, 0x2000);
	put(&g, f.b + 20, 16);
	feed(&t, &g);
	cr_assert(eq(u32, flow_table_incomplete(t.t), 1));
	cr_assert(eq(u64, flow_table_defrag(t.t)->completed, 1));
	struct got got = end(&t);
	cr_assert(eq(sz, got.n, 1));
	cr_assert(eq(u64, got.flow[0].packets, 2));
	cr_assert(eq(str, got.flow[0].payload, (char *)"sixteen bytes!!!sixteen bytes!!!"));
}

Test(flows, tunnels_give_further_flows)
{
	struct table t = table_of(1 << 24);
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
		feed(&t, &f);
	}
	struct got g = end(&t);
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
		struct table t = table_of(1 << 24);
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
			feed(&t, &f);
		}
		struct got g = end(&t);
		cr_assert(eq(sz, g.n, 1 + (size_t)inside));
		cr_assert(eq(u64, g.flow[inside].packets, 3));
		cr_assert(eq(int, g.flow[inside].verified, !inside));
	}
}

/* IP in IP: four tunnels are looked into, a packet with more counts. */
Test(flows, tunnels_in_too_many_tunnels)
{
	struct table t = table_of(1 << 24);
	for (int outer = 4; outer <= 5; outer++) {
		struct frame f = {0};
		for (int i = outer; i; i--)
			ip4(&f, 4, (uint32_t)i * 20 + 8);
		ip4(&f, 17, 8);
		udp(&f, 5, 6, 8);
		feed(&t, &f);
	}
	cr_assert(eq(u64, flow_table_counts(t.t)->deep, 1));
	struct got g = end(&t);
	cr_assert(eq(sz, g.n, 6)); /* of the second packet, what is where the first has UDP */
}

/* many: n connections of 2 packets, each second one after all the first. alike: some bring the same
 * bytes. */
static void many(struct table *t, uint32_t n, bool alike)
{
	for (int half = 0; half < 2; half++)
		for (uint32_t i = 0; i < n; i++) {
			struct frame f = {0};
			char text[600];
			memset(text, 'a' + (int)(i % 26), sizeof text - 1);
			text[sizeof text - 1] = 0;
			if (!alike)
				snprintf(text, sizeof text, "%*u", (int)sizeof text - 1, i);
			ip4(&f, 6, 20 + 599);
			put_be32(f.b + 12, 0x0a000000 + i);
			tcp(&f, 1000, 80, half ? 700 : 101, TCP_ACK);
			put(&f, text, 599);
			struct pkt p = decode(101, &f);
			seal(&f, &p, 16);
			feed(t, &f);
		}
}

struct sum {
	uint64_t flows, bytes, last_ns;
	bool ordered, whole;
};

static int add_up(void *arg, struct flow *f)
{
	struct sum *s = arg;
	struct stream_whole w;
	const struct stream_limits l = {.max_bytes = 16 << 20, .window = 1 << 20};
	uint32_t i = be32(f->key.lo.b) - 0x0a000000;
	stream_finish(f->dir[0].stream ? f->dir[0].stream : f->dir[1].stream, &l, &w);
	s->flows++;
	s->bytes += w.payload.n;
	s->ordered = s->ordered && f->first_ns >= s->last_ns;
	s->last_ns = f->first_ns;
	s->whole = s->whole && !w.ngaps && w.payload.n == 2 * 599 &&
		   memcmp(w.payload.p, w.payload.p + 599, 599) == 0 &&
		   (w.payload.p[0] == 'a' + i % 26 ||
		    strtoul((const char *)w.payload.p, NULL, 10) == i);
	return 0;
}

Test(flows, paging_changes_nothing)
{
	static const struct {
		size_t memory;
		bool alike, on_disk;
	} c[] = {{1 << 18, true, true},
		 {1 << 18, false, true},
		 {1 << 22, false, true},
		 {1 << 24, true, false},
		 {1 << 28, false, false}};
	for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
		struct table t = table_of(c[i].memory);
		struct sum s = {.ordered = true, .whole = true};
		many(&t, 5000, c[i].alike);
		cr_assert(eq(int, flow_table_counts(t.t)->paged_out > 0, c[i].on_disk), "%zu", i);
		cr_assert(eq(int, take_all(t.t, add_up, &s), 0));
		cr_assert(eq(u64, s.flows, 5000));
		cr_assert(eq(u64, s.bytes, 5000 * 2 * 599));
		cr_assert(s.ordered);
		cr_assert(s.whole);
		flow_table_free(&t.t);
	}
}

/* Each packet of the one would fetch it and put another aside, whole. */
Test(flows, large_ones_side_by_side_stay)
{
	struct table t = table_of(96 << 20);
	char text[600];
	memset(text, 'x', sizeof text);
	for (uint32_t i = 0; i < 36000; i++) {
		struct frame f = {0};
		ip4(&f, 6, 20 + 599);
		put_be32(f.b + 12, 0x0a000000 + i % 3);
		tcp(&f, 1000, 80, 101 + i / 3 * 599, TCP_ACK);
		put(&f, text, 599);
		struct pkt p = decode(101, &f);
		seal(&f, &p, 16);
		feed(&t, &f);
	}
	cr_assert(eq(u64, flow_table_counts(t.t)->flows, 3));
	cr_assert(eq(u64, flow_table_counts(t.t)->paged_out, 0));
	flow_table_free(&t.t);
}

Test(flows, without_a_place_to_page_it_fails)
{
	struct table t = table_of(1 << 18);
	flow_table_free(&t.t);
	t.o.page_dir = "/nonexistent";
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	int rc = 0;
	for (uint32_t i = 0; i < 20000 && !rc; i++) {
		struct frame f = {0};
		ip4(&f, 6, 20);
		put_be32(f.b + 12, i);
		tcp(&f, 1, 2, 3, TCP_SYN);
		struct flow_table_packet in = {.no = i, .p = decode(101, &f)};
		rc = flow_table_packets(t.t, &in, 1);
	}
	cr_assert(eq(int, rc, -2));
	flow_table_free(&t.t);
}

Test(flows, max_flows_and_shards)
{
	struct table t = table_of(1 << 26);
	flow_table_free(&t.t);
	t.o.max_flows = 10;
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	many(&t, 50, true);
	cr_assert(eq(u64, flow_table_counts(t.t)->turned_away, 80));
	cr_assert(eq(u64, flow_table_counts(t.t)->flows, 10));
	flow_table_free(&t.t);
	uint64_t total = 0;
	t.o.max_flows = 1000;
	t.o.shards = 3;
	for (t.o.shard = 0; t.o.shard < 3; t.o.shard++) {
		cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
		many(&t, 50, true);
		cr_assert(gt(u64, flow_table_counts(t.t)->flows, 5));
		total += flow_table_counts(t.t)->flows;
		flow_table_free(&t.t);
	}
	cr_assert(eq(u64, total, 50));
}

Test(flows, what_is_no_flow_is_counted)
{
	struct table t = table_of(1 << 24);
	static const struct {
		int link;
		const char *b;
		uint32_t n;
	} rows[] = {{1, "\2\0\0\0\0\1\2\0\0\0\0\2\10\6", 14},
		    {1, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0", 14},
		    {9999, "a", 1}};
	for (size_t i = 0; i < 3; i++) {
		struct flow_table_packet in = {.no = i};
		pkt_decode(rows[i].link, (const uint8_t *)rows[i].b, rows[i].n, rows[i].n, &in.p);
		cr_assert(eq(int, flow_table_packets(t.t, &in, 1), 0));
	}
	const struct flow_table_counts *c = flow_table_counts(t.t);
	cr_assert(eq(u64, c->other, 1));
	cr_assert(eq(u64, c->broken, 1));
	cr_assert(eq(u64, c->link, 1));
	cr_assert(eq(sz, end(&t).n, 0));
}

/* A batch is its packets one after another: also when the first begin the flow of the others, end
 * it, and begin the next one of the same key. */
Test(flows, a_batch_is_its_packets)
{
	for (int batched = 0; batched < 2; batched++) {
		struct table t = table_of(1 << 24);
		struct flow_table_packet in[FLOW_TABLE_BATCH];
		static struct frame f[FLOW_TABLE_BATCH];
		for (uint32_t i = 0; i < FLOW_TABLE_BATCH; i++) {
			f[i] = (struct frame){0};
			ip4(&f[i], 6, 20 + 4);
			put_be32(f[i].b + 12, 0x0a000000 + i % 3);
			/* One SYN with another ISN for each flow in the middle. */
			bool syn = i < 3 || (i >= 15 && i < 18);
			tcp(&f[i], 1000, 80, syn ? i : 1 + i % 3 + (i >= 18 ? 15 : 0),
			    syn ? TCP_SYN : TCP_ACK);
			put(&f[i], "data", 4);
			struct pkt p = decode(101, &f[i]);
			seal(&f[i], &p, 16);
			in[i] = (struct flow_table_packet){.no = i, .p.ts_ns = 1000 + i};
			pkt_decode(101, f[i].b, f[i].n, f[i].n, &in[i].p);
			if (!batched)
				cr_assert(eq(int, flow_table_packets(t.t, &in[i], 1), 0));
		}
		if (batched)
			cr_assert(eq(int, flow_table_packets(t.t, in, FLOW_TABLE_BATCH), 0));
		cr_assert(eq(u64, flow_table_counts(t.t)->packets, FLOW_TABLE_BATCH));
		struct got g = end(&t);
		cr_assert(eq(sz, g.n, 6));
		cr_assert(eq(u64, g.flow[0].packets, 5));
		cr_assert(eq(u64, g.flow[3].packets, 6));
		for (size_t i = 0; i < 6; i++)
			cr_assert(eq(str, g.flow[i].payload, (char *)"data"), "%zu", i);
	}
}

/* Packets that can be read again. */
struct kept {
	struct {
		uint64_t ts_ns;
		struct frame f;
	} of[40];
	bool readable;
};

static bool again(void *arg, uint64_t place, struct pkt *p)
{
	const struct kept *k = arg;
	if (!k->readable)
		return false;
	p->ts_ns = k->of[place].ts_ns;
	pkt_decode(101, k->of[place].f.b, k->of[place].f.n, k->of[place].f.n, p);
	return true;
}

static void again_hint(void *arg, uint64_t place)
{
	(void)arg;
	(void)place;
}

/* keep: a random packet of one of three flows: SYNs, the same again and others, FINs and RSTs, data
 * in and out of order, wrong checksums, times that go back. */
static void keep(struct kept *k, size_t i)
{
	static const uint8_t flags[] = {TCP_SYN,           TCP_SYN, TCP_SYN | TCP_ACK,
					TCP_ACK,           TCP_ACK, TCP_ACK,
					TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK};
	struct frame f = {0};
	bool back = rand() % 4 == 0;
	char text[8];
	uint8_t flag = flags[(size_t)rand() % sizeof flags];
	uint32_t n = flag == TCP_ACK ? (uint32_t)rand() % sizeof text : 0;
	uint16_t port = (uint16_t)(1000 + rand() % 3);

	memset(text, 'a' + (int)(i % 26), sizeof text);
	ip4(&f, 6, (uint16_t)(20 + n));
	if (back) {
		memcpy(f.b + 12, "\306\63\144\2", 4);
		memcpy(f.b + 16, "\300\0\2\1", 4);
	}
	uint32_t h = tcp(&f, back ? 80 : port, back ? port : 80, 100 + (uint32_t)rand() % 12, flag);
	put_be32(f.b + h + 8, 100 + (uint32_t)rand() % 12);
	put(&f, text, n);
	struct pkt p = decode(101, &f);
	seal(&f, &p, 16);
	if (rand() % 12 == 0)
		f.b[h + 16] ^= 0x10;
	k->of[i].f = f;
	k->of[i].ts_ns = 1000 + i * 10 - (rand() % 10 ? 0 : (uint64_t)rand() % 300);
}

static struct got read_kept(struct kept *k, size_t n, size_t memory, bool trails)
{
	struct table t = table_of(memory);
	if (trails) {
		flow_table_free(&t.t);
		t.o.again = (struct flow_table_again){again, again_hint, again_hint, k};
		cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	}
	for (size_t i = 0; i < n; i++) {
		struct flow_table_packet in = {.no = i, .place = i};
		again(k, i, &in.p);
		cr_assert(eq(int, flow_table_packets(t.t, &in, 1), 0));
	}
	return end(&t);
}

/* Whether a flow was live all the time, a trail, or first this and then that: it is the same. */
Test(flows, trails_change_nothing)
{
	static struct kept k = {.readable = true};
	/* Trails for all packets, for some of them, for none. */
	static const size_t memory[] = {1 << 20, 400, 16};

	for (unsigned seed = 0; seed < 500; seed++) {
		srand(seed);
		/* No more than there is room for in struct got, should each begin a flow. */
		size_t n = 16;
		for (size_t i = 0; i < n; i++)
			keep(&k, i);
		struct got want = read_kept(&k, n, 1 << 20, false);
		for (size_t i = 0; i < 3; i++) {
			struct got g = read_kept(&k, n, memory[i], true);
			cr_assert(eq(sz, g.n, want.n), "seed %u", seed);
			cr_assert(memcmp(&g, &want, sizeof g) == 0, "seed %u memory %zu", seed,
				  memory[i]);
		}
	}
}

Test(flows, a_trail_that_cannot_be_read_fails)
{
	static struct kept k;
	struct table t = table_of(1 << 20);
	struct got g = {0};
	flow_table_free(&t.t);
	t.o.again = (struct flow_table_again){again, again_hint, again_hint, &k};
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	k.readable = true;
	keep(&k, 0);
	struct flow_table_packet in = {.no = 0, .place = 0};
	again(&k, 0, &in.p);
	cr_assert(eq(int, flow_table_packets(t.t, &in, 1), 0));
	k.readable = false;
	cr_assert(eq(int, take_all(t.t, take, &g), -5));
	cr_assert(eq(sz, g.n, 0));
	flow_table_free(&t.t);
}
