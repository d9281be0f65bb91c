#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "stream_model.h"

static const struct stream_limits limits = {.max_bytes = 16 << 20, .window = 1 << 20};

#define ISN 1000u

static void seg(struct stream *s, uint32_t seq, const char *text)
{
	stream_segment(s, &limits, 0, seq, (const uint8_t *)text, strlen(text), false);
}

static void is(struct stream *s, const char *text, size_t n)
{
	struct stream_whole w;
	stream_finish(s, &limits, &w);
	cr_assert(eq(sz, w.payload.n, n));
	cr_assert(eq(int, n ? memcmp(w.payload.p, text, n) : 0, 0), "%.*s", (int)w.payload.n,
		  (const char *)w.payload.p);
	stream_fini(s);
}

static struct stream begun(uint32_t isn)
{
	struct stream s = {0};
	cr_assert(stream_syn(&s, isn));
	return s;
}

Test(stream, in_order_retransmitted_and_coalesced)
{
	struct stream s = begun(ISN);
	seg(&s, 1001, "GET ");
	seg(&s, 1001, "GET ");
	seg(&s, 1005, "/");
	seg(&s, 1001, "GET / HTTP");
	seg(&s, 1003, "T /");
	cr_assert(eq(u64, s.conflicts, 0));
	is(&s, "GET / HTTP", 10);
}

Test(stream, out_of_order_over_the_wrap)
{
	static const uint32_t isns[] = {0, 0xffffffff, 0xfffffffe, 0xfffffff8, 0x7fffffff};
	for (size_t i = 0; i < sizeof isns / sizeof isns[0]; i++) {
		struct stream s = begun(isns[i]);
		seg(&s, isns[i] + 11, "third");
		seg(&s, isns[i] + 6, "secon");
		seg(&s, isns[i] + 1, "first");
		is(&s, "firstseconthird", 15);
	}
}

Test(stream, first_arrival_wins)
{
	struct stream s = begun(ISN);
	seg(&s, 1001, "AAAA");
	seg(&s, 1001, "BBBBCCCC");
	cr_assert(eq(u64, s.conflicts, 4));
	is(&s, "AAAACCCC", 8);
	s = begun(ISN);
	seg(&s, 1005, "AAAA"); /* waits, and was there first */
	seg(&s, 1001, "BBBBBBBB");
	cr_assert(eq(u64, s.conflicts, 4));
	is(&s, "BBBBAAAA", 8);
}

Test(stream, gaps)
{
	struct stream s = begun(ISN);
	struct stream_whole w;
	seg(&s, 1011, "data");
	seg(&s, 1021, "more");
	stream_finish(&s, &limits, &w);
	cr_assert(eq(sz, w.payload.n, 24));
	cr_assert(eq(int, memcmp(w.payload.p, "\0\0\0\0\0\0\0\0\0\0data\0\0\0\0\0\0more", 24), 0));
	cr_assert(eq(sz, w.ngaps, 2));
	cr_assert(eq(u64, w.gaps[0].from, 0));
	cr_assert(eq(u64, w.gaps[0].to, 10));
	cr_assert(eq(u64, w.gaps[1].from, 14));
	cr_assert(eq(u64, w.gaps[1].to, 20));
	stream_fini(&s);
}

Test(stream, single_bytes_behind_a_gap)
{
	struct stream s = begun(ISN);
	seg(&s, 1003, "a");
	seg(&s, 1004, "b");
	seg(&s, 1005, "c");
	is(&s, "\0\0abc", 5);
}

Test(stream, keep_alive_is_no_conflict)
{
	struct stream s = begun(ISN);
	const uint8_t nul = 0, other = 'x';
	seg(&s, 1001, "abc");
	cr_assert(stream_keep_alive(&s, 1003, &nul, 1));
	cr_assert(not(stream_keep_alive(&s, 1003, &other, 1)), "nobody said that he has it");
	stream_ack(&s, &limits, 1004);
	cr_assert(stream_keep_alive(&s, 1003, &other, 1));
	cr_assert(not(stream_keep_alive(&s, 1002, &other, 1)));
	cr_assert(not(stream_keep_alive(&s, 1004, &nul, 1)), "the next byte");
	cr_assert(not(stream_keep_alive(&s, 1002, (const uint8_t *)"\0", 2)));
	is(&s, "abc", 3);
	s = (struct stream){0};
	cr_assert(not(stream_keep_alive(&s, 0, &nul, 1)));
}

Test(stream, without_syn_the_base_is_the_lowest)
{
	struct stream s = {0};
	struct stream_whole w;
	seg(&s, 5000, "world");
	seg(&s, 4994, "hello ");
	seg(&s, 5005, "!");
	seg(&s, 4994, "HELLO "); /* again, with other bytes */
	cr_assert(eq(u64, s.conflicts, 5));
	is(&s, "hello world!", 12);
	/* A hole between the lowest and the first, and bytes more than 1 MiB before. */
	seg(&s, 3000000, "b");
	seg(&s, 2999990, "a");
	seg(&s, 3000000 - (1 << 20) - 5, "too low");
	seg(&s, 3000000 - (1 << 20) - 9, "low");
	cr_assert(eq(u32, s.beyond, 1));
	stream_finish(&s, &limits, &w);
	/* Its last two bytes are within. */
	cr_assert(eq(sz, w.payload.n, (1 << 20) + 1));
	stream_fini(&s);
}

Test(stream, a_late_syn_says_where_it_begins)
{
	struct stream s = {0};
	struct stream_whole w;
	seg(&s, 1006, "data");
	cr_assert(not(stream_accepts_syn(&s, 1006)));
	cr_assert(not(stream_accepts_syn(&s, 1005 - (1 << 20) - 1)));
	cr_assert(stream_syn(&s, ISN));
	cr_assert(stream_accepts_syn(&s, ISN));
	cr_assert(not(stream_accepts_syn(&s, ISN + 1)));
	seg(&s, 990, "below the base");
	stream_finish(&s, &limits, &w);
	cr_assert(eq(sz, w.payload.n, 9));
	cr_assert(eq(sz, w.ngaps, 1));
	cr_assert(eq(int, memcmp(w.payload.p, "ase", 3), 0));
	stream_fini(&s);
	s = begun(ISN);
	cr_assert(stream_accepts_syn(&s, ISN));
	cr_assert(not(stream_accepts_syn(&s, ISN + 1)));
	stream_fini(&s);
}

Test(stream, keep_alives_and_bytes_before_the_base_add_nothing)
{
	struct stream s = begun(ISN);
	seg(&s, 1001, "GET");
	seg(&s, 1003, "X");
	seg(&s, 1000, "Y"); /* one byte before the base */
	cr_assert(eq(u32, s.beyond, 0));
	seg(&s, 500, "OLD!");
	cr_assert(eq(u32, s.beyond, 1));
	seg(&s, 999, "??GET"); /* reaches into the stream */
	is(&s, "GET", 3);
}

Test(stream, the_window)
{
	struct stream s = begun(ISN);
	seg(&s, 1001, "GET");
	seg(&s, 1001 + (1u << 30), "far");
	cr_assert(eq(u32, s.beyond, 1));
	cr_assert(eq(int, s.cut, 0)); /* nobody would have taken it */
	/* Within what the receiver says it takes, but beyond our limit. */
	stream_segment(&s, &limits, 8 << 20, 1004 + (4u << 20), (const uint8_t *)"x", 1, false);
	cr_assert(eq(int, s.cut, STREAM_CUT_WINDOW));
	is(&s, "GET", 3);

	/* A receiver that advertises less than it ever may has 64 KiB. */
	s = begun(ISN);
	stream_segment(&s, &limits, 100, 1001 + 60000, (const uint8_t *)"x", 1, false);
	cr_assert(eq(u32, s.beyond, 0));
	stream_segment(&s, &limits, 100, 1001 + 70000, (const uint8_t *)"x", 1, false);
	cr_assert(eq(u32, s.beyond, 1));
	stream_fini(&s);
}

Test(stream, what_the_peer_acknowledged_is_a_gap_of_the_capture)
{
	struct stream s = begun(ISN);
	struct stream_whole w;
	uint8_t block[60000];
	memset(block, 'a', sizeof block);
	seg(&s, 1001, "begin");
	/* 2 MiB are missing, and the peer has them. */
	stream_ack(&s, &limits, 1001 + (2u << 20));
	for (uint32_t i = 0; i < 40; i++)
		stream_segment(&s, &limits, 65535, 1001 + (2u << 20) + i * sizeof block, block,
			       sizeof block, false);
	/* One of the missing bytes comes late. */
	seg(&s, 1001 + 100, "late");
	stream_finish(&s, &limits, &w);
	cr_assert(eq(u32, s.beyond, 0));
	cr_assert(eq(sz, w.payload.n, (2u << 20) + 40 * sizeof block));
	cr_assert(eq(sz, w.ngaps, 2));
	cr_assert(eq(u64, w.gaps[0].from, 5));
	cr_assert(eq(u64, w.gaps[0].to, 100));
	cr_assert(eq(u64, w.gaps[1].from, 104));
	cr_assert(eq(u64, w.gaps[1].to, 2u << 20));
	cr_assert(eq(int, memcmp(w.payload.p + 100, "late", 4), 0));
	stream_fini(&s);

	/* An acknowledgement alone adds nothing, and an impossible one changes nothing. */
	s = begun(ISN);
	seg(&s, 1001, "x");
	stream_ack(&s, &limits, 1001 + (1u << 20));
	stream_ack(&s, &limits, 1001 + (1u << 30));
	cr_assert(eq(u64, s.acked, STREAM_ORIGIN + (1u << 20)));
	is(&s, "x", 1);
	struct stream none = {0};
	stream_ack(&none, &limits, 5);
	is(&none, "", 0);
}

Test(stream, late_bytes_fill_gaps_from_all_sides)
{
	static const struct {
		uint32_t at, n;
	} fills[] = {{0, 10}, {90, 10}, {40, 10}, {0, 100}, {95, 20}, {20, 1}};
	struct stream s = begun(ISN);
	struct model *m = calloc(1, sizeof *m);
	struct stream_whole w;
	uint8_t x[200];
	memset(x, 'x', sizeof x);
	/* A gap [0, 100), made one by an acknowledgement and bytes far behind it. */
	struct stream_limits small = {.max_bytes = 1 << 20, .window = 1 << 16};
	stream_ack(&s, &small, 1001 + 100);
	for (uint32_t at = 100; at < 64000; at += 100) {
		stream_segment(&s, &small, 65535, 1001 + at + 600, x, 100, false);
		model_put(m, at + 600, x, 100);
	}
	for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
		stream_segment(&s, &small, 65535, 1001 + fills[i].at, x, fills[i].n, false);
		model_put(m, fills[i].at, x, fills[i].n);
	}
	stream_finish(&s, &small, &w);
	cr_assert(model_equals(m, &w));
	stream_fini(&s);
	free(m);
}

Test(stream, fin)
{
	struct stream s = begun(ISN);
	seg(&s, 1001, "GET");
	stream_segment(&s, &limits, 0, 1004, NULL, 0, true);
	seg(&s, 1005, "ZZZZ");
	cr_assert(eq(u64, s.after_fin, 4));
	seg(&s, 1002, "ETmore"); /* reaches over it */
	cr_assert(eq(u64, s.after_fin, 8));
	is(&s, "GET", 3);
	/* A FIN below bytes that are there, or far beyond, ends nothing. */
	s = begun(ISN);
	seg(&s, 1001, "GET /");
	stream_segment(&s, &limits, 0, 1003, NULL, 0, true);
	stream_segment(&s, &limits, 0, 1001 + (1u << 30), NULL, 0, true);
	cr_assert(not(s.has_fin));
	seg(&s, 1006, "x");
	is(&s, "GET /x", 6);
	/* Without any byte there is nothing to end. */
	struct stream none = {0};
	stream_segment(&none, &limits, 0, 5, NULL, 0, true);
	cr_assert(not(none.has_fin));
}

Test(stream, more_than_four_gigabytes_of_sequence)
{
	struct stream_limits small = {.max_bytes = 1 << 16, .window = 1 << 16};
	struct stream s = begun(0xfffff000);
	struct stream_whole w;
	uint8_t block[60000];
	memset(block, 'y', sizeof block);
	uint32_t seq = 0xfffff001;
	for (int i = 0; i < 100000; i++, seq += sizeof block)
		stream_segment(&s, &small, 0, seq, block, sizeof block, false);
	cr_assert(eq(u64, s.next - STREAM_ORIGIN, (uint64_t)100000 * sizeof block));
	cr_assert(eq(int, s.cut, STREAM_CUT_BYTES));
	cr_assert(eq(u32, s.beyond, 0));
	stream_finish(&s, &small, &w);
	cr_assert(eq(sz, w.payload.n, 1 << 16));
	stream_fini(&s);
}

Test(stream, too_many_gaps_end_it)
{
	struct stream s = begun(ISN);
	struct stream_whole w;
	for (uint32_t i = 0; i < 3000; i++)
		seg(&s, 1002 + 2 * i, "x");
	stream_finish(&s, &limits, &w);
	cr_assert(eq(sz, w.ngaps, STREAM_MAX_GAPS));
	cr_assert(ne(int, s.cut &STREAM_CUT_GAPS, 0));
	cr_assert(eq(sz, w.payload.n, 2 * STREAM_MAX_GAPS));
	stream_fini(&s);
}

Test(stream, a_million_segments_of_one_byte_in_any_order)
{
	struct stream s = begun(ISN);
	struct stream_whole w;
	uint8_t b;
	uint32_t n = 1 << 20;
	/* Ascending within a stride, strides interleaved: every segment but each last one waits. */
	for (uint32_t phase = 7; phase-- > 0;)
		for (uint32_t i = phase; i < n; i += 7) {
			b = (uint8_t)(i * 13);
			stream_segment(&s, &limits, 1 << 20, ISN + 1 + i, &b, 1, false);
		}
	stream_finish(&s, &limits, &w);
	cr_assert(eq(sz, w.payload.n, n));
	cr_assert(eq(sz, w.ngaps, 0));
	for (uint32_t i = 0; i < n; i++)
		if (w.payload.p[i] != (uint8_t)(i * 13))
			cr_fatal("byte %u", i);
	stream_fini(&s);
}

Test(stream, datagrams)
{
	struct stream s = {0};
	stream_append(&s, &limits, (const uint8_t *)"one", 3);
	stream_append(&s, &limits, NULL, 0);
	stream_append(&s, &limits, (const uint8_t *)"two", 3);
	is(&s, "onetwo", 6);
	struct stream_limits small = {.max_bytes = 4, .window = 1 << 16};
	stream_append(&s, &small, (const uint8_t *)"one", 3);
	stream_append(&s, &small, (const uint8_t *)"two", 3);
	cr_assert(eq(int, s.cut, STREAM_CUT_BYTES));
	is(&s, "onet", 4);
}

/* Random segments against the model: overlapping, repeated, out of order, before the base. */
Test(stream, agrees_with_the_model)
{
	static struct model m;
	uint32_t r = 1;
	for (int round = 0; round < 400; round++) {
		struct stream s = {0};
		struct stream_whole w;
		memset(&m, 0, sizeof m);
		uint32_t isn = r * 2654435761u;
		stream_syn(&s, isn);
		for (int i = 0; i < 60; i++) {
			uint8_t data[300];
			r = r * 1103515245 + 12345;
			int64_t at = (int64_t)(r >> 8) % (round % 3 ? 1200 : 40000) - 20;
			r = r * 1103515245 + 12345;
			uint32_t n = (r >> 8) % sizeof data;
			for (uint32_t k = 0; k < n; k++)
				data[k] = (uint8_t)((at + k) * 11 + (round % 2 ? i : 0));
			stream_segment(&s, &limits, 65535, isn + 1 + (uint32_t)at, data, n, false);
			model_put(&m, at, data, n);
			if (i % 10 == 9 && round % 4 == 0)
				stream_ack(&s, &limits, isn + 1 + (uint32_t)at);
		}
		cr_assert(eq(u64, s.conflicts, m.conflicts), "round %d", round);
		stream_finish(&s, &limits, &w);
		cr_assert(model_equals(&m, &w), "round %d", round);
		stream_fini(&s);
	}
}
