#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "reassembly/window.h"

Test(window, put_take_find)
{
	struct window *w = window_new(1 << 20);
	uint64_t conflicts = 0;
	const uint8_t *p;

	cr_assert(eq(sz, window_put(w, 10000, (const uint8_t *)"world", 5, &conflicts), 0));
	cr_assert(eq(sz, window_held(w), 5));
	cr_assert(eq(u64, window_find(w, 0, 20000), 10000));
	cr_assert(eq(u64, window_find(w, 10005, 20000), 20000));
	cr_assert(eq(u64, window_find(w, 0, 9000), 9000));
	cr_assert(eq(sz, window_take(w, 9999, &p), 0));
	cr_assert(eq(sz, window_take(w, 10001, &p), 4));
	cr_assert(eq(int, memcmp(p, "orld", 4), 0));
	window_drop(w, 20000);
	cr_assert(eq(sz, window_held(w), 0));
	window_free(&w);
	cr_assert(eq(ptr, w, NULL));
	window_free(&w);
	cr_assert(eq(sz, window_held(NULL), 0));
	cr_assert(eq(sz, window_memory(NULL), 0));
}

Test(window, first_arrival_wins_and_conflicts_are_counted)
{
	struct window *w = window_new(1 << 20);
	uint64_t conflicts = 0;
	const uint8_t *p;

	window_put(w, 102, (const uint8_t *)"CD", 2, &conflicts);
	window_put(w, 100, (const uint8_t *)"abcdef", 6, &conflicts);
	cr_assert(eq(u64, conflicts, 2));
	cr_assert(eq(sz, window_take(w, 100, &p), 6));
	cr_assert(eq(int, memcmp(p, "abCDef", 6), 0));
	window_free(&w);
}

Test(window, across_words_and_pages)
{
	struct window *w = window_new(1 << 20);
	uint8_t data[10000];
	uint64_t conflicts = 0, at = 4000;
	const uint8_t *p;
	size_t n, total = 0;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	cr_assert(eq(sz, window_put(w, at, data, sizeof data, &conflicts), 0));
	while ((n = window_take(w, at, &p))) {
		cr_assert(eq(int, memcmp(p, data + total, n), 0));
		at += n;
		total += n;
	}
	cr_assert(eq(sz, total, sizeof data));
	window_free(&w);
}

Test(window, a_million_single_bytes_backwards)
{
	struct window *w = window_new(1 << 20);
	uint64_t conflicts = 0;

	for (uint32_t i = 1 << 20; i-- > 0;)
		cr_assert(eq(sz, window_put(w, i, (const uint8_t *)"x", 1, &conflicts), 0));
	cr_assert(eq(sz, window_held(w), 1 << 20));
	cr_assert(le(sz, window_memory(w), (1 << 20) + (1 << 20) / 8 + (64 << 10)));
	window_free(&w);
}

Test(window, the_ring_moves_on)
{
	struct window *w = window_new(64 << 10);
	uint64_t conflicts = 0;
	const uint8_t *p;

	/* Far along, every page of the ring is used again and again. */
	for (uint64_t at = 0; at < 10u << 20; at += 1000) {
		window_put(w, at + 1, (const uint8_t *)"b", 1, &conflicts);
		window_put(w, at, (const uint8_t *)"a", 1, &conflicts);
		cr_assert(eq(sz, window_take(w, at, &p), 2));
		cr_assert(eq(int, memcmp(p, "ab", 2), 0));
	}
	cr_assert(eq(u64, conflicts, 0));
	cr_assert(le(sz, window_memory(w), 96 << 10));
	window_free(&w);
}
