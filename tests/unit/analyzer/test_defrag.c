#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "../pkt/frame.h"
#include "reassembly/defrag.h"

static const uint8_t seed[16] = "seed of the test";
static const struct defrag_limits limits = {.max_datagrams = 64, .max_bytes = 8 << 20};

static struct defrag *new_defrag(void)
{
	struct defrag *d;
	cr_assert(eq(int, defrag_new(limits, seed, &d), 0));
	return d;
}

/* A UDP datagram of n payload bytes, and a fragment of it: [from, to) of what follows the IP
 * header. */
struct whole {
	uint8_t b[70000];
	uint32_t n;
};

static void make(struct whole *w, uint32_t n)
{
	put_be16(w->b, 4000);
	put_be16(w->b + 2, 53);
	put_be16(w->b + 4, (uint16_t)(8 + n));
	put_be16(w->b + 6, 0);
	for (uint32_t i = 0; i < n; i++)
		w->b[8 + i] = (uint8_t)(i * 17 + i / 256);
	w->n = 8 + n;
}

static uint8_t frame_bytes[70000];

static struct pkt fragment(const struct whole *w, bool v6, uint32_t id, uint32_t from, uint32_t to,
			   bool more, uint64_t ts_ns)
{
	struct frame f = {0};
	if (v6) {
		ip6(&f, 44, (uint16_t)(8 + to - from));
		uint8_t h[8] = {17, 0};
		put_be16(h + 2, (uint16_t)(from | more));
		put_be32(h + 4, id);
		put(&f, h, 8);
	} else {
		ip4(&f, 17, (uint16_t)(to - from));
		put_be16(f.b + 4, (uint16_t)id);
		put_be16(f.b + 6, (uint16_t)((more ? 0x2000 : 0) | from / 8));
	}
	memcpy(frame_bytes, f.b, f.n);
	memcpy(frame_bytes + f.n, w->b + from, to - from);
	struct pkt p = {.ts_ns = ts_ns};
	pkt_decode(101, frame_bytes, f.n + to - from, f.n + to - from, &p);
	return p;
}

static void is_whole(const struct pkt *p, const struct whole *w)
{
	cr_assert(eq(int, p->stop, PKT_L4));
	cr_assert(eq(int, p->sport, 4000));
	cr_assert(eq(int, p->dport, 53));
	cr_assert(eq(u32, p->payload_len, w->n - 8));
	cr_assert(eq(int, memcmp(p->payload, w->b + 8, w->n - 8), 0));
}

Test(defrag, any_order_both_versions)
{
	static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
	static struct whole w;
	make(&w, 500);
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t o = 0; o < 4; o++) {
			struct defrag *d = new_defrag();
			struct pkt whole;
			for (int i = 0; i < 4; i++) {
				uint32_t k = (uint32_t)orders[o][i], from = k * 128,
					 to = k == 3 ? w.n : from + 128;
				struct pkt p =
					fragment(&w, v6, 7, from, to, k != 3, 1000 + (uint64_t)i);
				cr_assert(eq(int, p.stop, PKT_FRAGMENT));
				bool done = defrag_add(d, 0, &p, &whole);
				cr_assert(eq(int, done, i == 3));
			}
			is_whole(&whole, &w);
			cr_assert(eq(u64, whole.ts_ns, 1003));
			cr_assert(eq(int, whole.src.family, v6 ? 6 : 4));
			cr_assert(eq(u32, defrag_waiting(d), 0));
			cr_assert(eq(u64, defrag_counts(d)->completed, 1));
			defrag_free(&d);
		}
	}
}

Test(defrag, largest_datagram)
{
	static struct whole w;
	struct defrag *d = new_defrag();
	struct pkt whole;
	bool done = false;
	make(&w, 65535 - 20 - 8);
	for (uint32_t from = 0; from < w.n; from += 1480) {
		uint32_t to = from + 1480 < w.n ? from + 1480 : w.n;
		struct pkt p = fragment(&w, false, 1, from, to, to < w.n, 1);
		done = defrag_add(d, 0, &p, &whole);
	}
	cr_assert(done);
	is_whole(&whole, &w);
	/* One unit more does not fit an IP packet. */
	struct pkt p = fragment(&w, false, 2, 65512, 65512 + 8, false, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	cr_assert(eq(u64, defrag_counts(d)->malformed, 1));
	defrag_free(&d);
}

Test(defrag, first_arrival_wins)
{
	static struct whole a, b;
	struct defrag *d = new_defrag();
	struct pkt whole, p;
	make(&a, 56);
	memcpy(&b, &a, sizeof a);
	memset(b.b + 16, 'X', 48);
	p = fragment(&a, false, 1, 0, 32, true, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&b, false, 1, 16, 64, false, 1);
	cr_assert(defrag_add(d, 0, &p, &whole));
	cr_assert(eq(int, memcmp(whole.payload, a.b + 8, 24), 0));
	cr_assert(eq(int, whole.payload[24], 'X'));
	defrag_free(&d);
}

Test(defrag, ends_that_contradict_each_other)
{
	static struct whole w;
	struct defrag *d = new_defrag();
	struct pkt whole, p;
	make(&w, 100);
	put_be16(w.b + 4, 28);
	/* Teardrop: 36 bytes of which half a unit is over, then a last fragment inside them. */
	p = fragment(&w, false, 1, 0, 36, true, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&w, false, 1, 24, 28, false, 1);
	cr_assert(defrag_add(d, 0, &p, &whole));
	cr_assert(eq(u32, whole.payload_len, 20));
	cr_assert(eq(int, memcmp(whole.payload, w.b + 8, 20), 0));
	/* Bytes beyond the end that was told are cut, or all of it. */
	p = fragment(&w, false, 2, 40, 48, false, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&w, false, 2, 48, 64, true, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&w, false, 2, 0, 56, true, 1);
	cr_assert(defrag_add(d, 0, &p, &whole));
	cr_assert(eq(u32, whole.ip_len, 68));
	defrag_free(&d);
}

Test(defrag, what_tells_datagrams_apart)
{
	static struct whole w;
	struct defrag *d = new_defrag();
	struct pkt whole, p;
	make(&w, 100);
	p = fragment(&w, false, 1, 0, 64, true, 1);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&w, false, 2, 64, 108, false, 1); /* another identification */
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	p = fragment(&w, false, 1, 64, 108, false, 1); /* another tunnel */
	cr_assert(not(defrag_add(d, 9, &p, &whole)));
	p.proto = 6; /* another protocol */
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	cr_assert(eq(u32, defrag_waiting(d), 4));
	p.proto = 17;
	cr_assert(defrag_add(d, 0, &p, &whole));
	defrag_free(&d);
}

Test(defrag, bounds_and_time)
{
	static struct whole w;
	struct defrag *d;
	struct defrag_limits few = {.max_datagrams = 4, .max_bytes = 1 << 20},
			     little = {.max_datagrams = 4000, .max_bytes = 200 << 10};
	struct pkt whole, p;
	make(&w, 60000);
	cr_assert(eq(int, defrag_new(few, seed, &d), 0));
	for (uint32_t id = 0; id < 10; id++) {
		p = fragment(&w, false, id, 0, 64, true, 1);
		cr_assert(not(defrag_add(d, 0, &p, &whole)));
	}
	cr_assert(eq(u32, defrag_waiting(d), 4));
	cr_assert(eq(u64, defrag_counts(d)->evicted, 6));
	/* The newest are kept; after the time-out all are gone. */
	p = fragment(&w, false, 3, 64, 128, true, DEFRAG_TIMEOUT_NS + 2);
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	cr_assert(eq(u64, defrag_counts(d)->timed_out, 4));
	cr_assert(eq(u32, defrag_waiting(d), 1));
	defrag_free(&d);
	/* One small fragment at the end of each datagram costs its whole length. */
	cr_assert(eq(int, defrag_new(little, seed, &d), 0));
	for (uint32_t id = 0; id < 100; id++) {
		p = fragment(&w, false, id, 59200, 59208, true, 1);
		cr_assert(not(defrag_add(d, 0, &p, &whole)));
	}
	cr_assert(le(u32, defrag_waiting(d), 4));
	defrag_free(&d);
	defrag_free(&d);
}

Test(defrag, cut_off_by_the_snap_length)
{
	static struct whole w;
	struct defrag *d = new_defrag();
	struct pkt whole, p;
	make(&w, 100);
	p = fragment(&w, false, 1, 0, 64, true, 1);
	p.truncated = true;
	cr_assert(not(defrag_add(d, 0, &p, &whole)));
	cr_assert(eq(u64, defrag_counts(d)->cut, 1));
	cr_assert(eq(u32, defrag_waiting(d), 0));
	defrag_free(&d);
}
