/* Flows that are packed, paged out, or read again from the file are the same flows. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_rig.h"
#include "record/record.h"

/* many: n connections of 2 packets, each second one after all the first. alike: some bring the same
 * bytes. */
static void many(struct rig_table *t, uint32_t n, bool alike)
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
			rig_feed(t, &f);
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

Test(flow_memory, paging_changes_nothing)
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
		struct rig_table t = rig_table_of(c[i].memory);
		struct sum s = {.ordered = true, .whole = true};
		many(&t, 5000, c[i].alike);
		cr_assert(eq(int, flow_table_counts(t.t)->paged_out > 0, c[i].on_disk), "%zu", i);
		cr_assert(eq(int, rig_take_all(t.t, add_up, &s), 0));
		cr_assert(eq(u64, s.flows, 5000));
		cr_assert(eq(u64, s.bytes, 5000 * 2 * 599));
		cr_assert(s.ordered);
		cr_assert(s.whole);
		flow_table_free(&t.t);
	}
}

/* Each packet of the one would fetch it and put another aside, whole. */
Test(flow_memory, large_ones_side_by_side_stay)
{
	struct rig_table t = rig_table_of(96 << 20);
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
		rig_feed(&t, &f);
	}
	cr_assert(eq(u64, flow_table_counts(t.t)->flows, 3));
	cr_assert(eq(u64, flow_table_counts(t.t)->paged_out, 0));
	flow_table_free(&t.t);
}

Test(flow_memory, without_a_place_to_page_it_fails)
{
	struct rig_table t = rig_table_of(1 << 18);
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

Test(flow_memory, max_flows_and_shards)
{
	struct rig_table t = rig_table_of(1 << 26);
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

Test(flow_memory, what_is_no_flow_is_counted)
{
	struct rig_table t = rig_table_of(1 << 24);
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
	cr_assert(eq(sz, rig_end(&t).n, 0));
}

/* A batch is its packets one after another: also when the first begin the flow of the others, end
 * it, and begin the next one of the same key. */
Test(flow_memory, a_batch_is_its_packets)
{
	for (int batched = 0; batched < 2; batched++) {
		struct rig_table t = rig_table_of(1 << 24);
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
		struct rig_got g = rig_end(&t);
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

static struct rig_got read_kept(struct kept *k, size_t n, size_t memory, bool trails)
{
	struct rig_table t = rig_table_of(memory);
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
	return rig_end(&t);
}

/* Whether a flow was live all the time, a trail, or first this and then that: it is the same. */
Test(flow_memory, trails_change_nothing)
{
	static struct kept k = {.readable = true};
	/* Trails for all packets, for some of them, for none. */
	static const size_t memory[] = {1 << 20, 400, 16};

	for (unsigned seed = 0; seed < 500; seed++) {
		srand(seed);
		/* No more than there is room for in struct rig_got, should each begin a flow. */
		size_t n = 16;
		for (size_t i = 0; i < n; i++)
			keep(&k, i);
		struct rig_got want = read_kept(&k, n, 1 << 20, false);
		for (size_t i = 0; i < 3; i++) {
			struct rig_got g = read_kept(&k, n, memory[i], true);
			cr_assert(eq(sz, g.n, want.n), "seed %u", seed);
			cr_assert(memcmp(&g, &want, sizeof g) == 0, "seed %u memory %zu", seed,
				  memory[i]);
		}
	}
}

Test(flow_memory, a_trail_that_cannot_be_read_fails)
{
	static struct kept k;
	struct rig_table t = rig_table_of(1 << 20);
	struct rig_got g = {0};
	flow_table_free(&t.t);
	t.o.again = (struct flow_table_again){again, again_hint, again_hint, &k};
	cr_assert(eq(int, flow_table_new(&t.o, &t.t), 0));
	k.readable = true;
	keep(&k, 0);
	struct flow_table_packet in = {.no = 0, .place = 0};
	again(&k, 0, &in.p);
	cr_assert(eq(int, flow_table_packets(t.t, &in, 1), 0));
	k.readable = false;
	cr_assert(eq(int, rig_take_all(t.t, rig_take, &g), -5));
	cr_assert(eq(sz, g.n, 0));
	flow_table_free(&t.t);
}
