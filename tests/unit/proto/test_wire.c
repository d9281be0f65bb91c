#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "proto/wire.h"

static struct wire on(const void *p, size_t n)
{
	struct wire w;
	wire_init(&w, bytes_of(p, n));
	return w;
}
#define ON(text) on(text, sizeof(text) - 1)

Test(wire, unsigned_integers_of_every_width)
{
	static const struct {
		const char *in;
		size_t n;
		uint64_t want;
	} t[] = {
		{"\x00", 1, 0},
		{"\x7f", 1, 127},
		{"\xcc\xff", 2, 255},
		{"\xcd\x01\x02", 3, 0x102},
		{"\xce\xff\xff\xff\xff", 5, UINT32_MAX},
		{"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_MAX},
		{"\xd0\x05", 2, 5},
		{"\xd1\x01\x00", 3, 256},
		{"\xd2\x00\x01\x00\x00", 5, 65536},
		{"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX},
	};
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct wire w = on(t[i].in, t[i].n);
		cr_assert_eq(wire_u64(&w), t[i].want, "case %zu", i);
		cr_assert(wire_end(&w));
		w = on(t[i].in, t[i].n - 1);
		wire_u64(&w);
		cr_assert(w.failed, "case %zu, cut", i);
	}
}

Test(wire, signed_integers)
{
	struct wire w = ON(
		"\xff\xe0\xd0\x80\xd1\xff\x7f\xd2\x80\x00\x00\x00\xd3\x80\x00\x00\x00\x00\x00\x00\x00\x05");
	cr_assert_eq(wire_i64(&w), -1);
	cr_assert_eq(wire_i64(&w), -32);
	cr_assert_eq(wire_i64(&w), -128);
	cr_assert_eq(wire_i64(&w), -129);
	cr_assert_eq(wire_i64(&w), INT32_MIN);
	cr_assert_eq(wire_i64(&w), INT64_MIN);
	cr_assert_eq(wire_i64(&w), 5);
	cr_assert(wire_end(&w));
}

Test(wire, integers_that_do_not_fit_fail)
{
	struct wire w = ON("\xff");
	cr_assert_eq(wire_u64(&w), 0);
	cr_assert(w.failed);
	w = ON("\xcf\x80\x00\x00\x00\x00\x00\x00\x00");
	cr_assert_eq(wire_i64(&w), 0);
	cr_assert(w.failed);
}

Test(wire, floats)
{
	struct wire w = ON("\xca\x3f\xc0\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\x05\xff");
	cr_assert_eq(wire_f64(&w), 1.5);
	cr_assert_eq(wire_f64(&w), 1.5);
	cr_assert_eq(wire_f64(&w), 5.0);
	cr_assert_eq(wire_f64(&w), -1.0);
	cr_assert(wire_end(&w));
	wire_f64(&w);
	cr_assert(w.failed);
	w = ON("\xcb\x00\x00");
	wire_f64(&w);
	cr_assert(w.failed);
}

Test(wire, bool_and_nil)
{
	struct wire w = ON("\xc3\xc2\xc0\x01");
	cr_assert(wire_bool(&w));
	cr_assert_not(wire_bool(&w));
	cr_assert(wire_nil(&w));
	cr_assert_not(wire_nil(&w));
	cr_assert_not(wire_bool(&w));
	cr_assert(w.failed);
	cr_assert_not(wire_nil(&w));
}

Test(wire, strings_and_bytes)
{
	struct wire w = ON(
		"\xa2hi\xd9\x01x\xda\x00\x01y\xdb\x00\x00\x00\x01z\xc4\x01\xff\xc5\x00\x00\xc6\x00\x00\x00\x00");
	cr_assert(bytes_eq(wire_str(&w), bytes_str("hi")));
	cr_assert(bytes_eq(wire_str(&w), bytes_str("x")));
	cr_assert(bytes_eq(wire_str(&w), bytes_str("y")));
	cr_assert(bytes_eq(wire_str(&w), bytes_str("z")));
	cr_assert_eq(wire_bin(&w).n, 1);
	struct bytes empty = wire_bin(&w);
	cr_assert_eq(empty.n, 0);
	cr_assert_not_null(empty.p);
	cr_assert_eq(wire_bin(&w).n, 0);
	cr_assert(wire_end(&w));

	w = ON("\xa1x");
	cr_assert_null(wire_bin(&w).p, "a string is not bytes");
	w = ON("\xc4\x01x");
	cr_assert_null(wire_str(&w).p);
}

Test(wire, declared_lengths_beyond_the_bytes_fail)
{
	static const char *const in[] = {"\xa5x", "\xd9\xffx", "\xdb\xff\xff\xff\xffx"};
	for (size_t i = 0; i < 3; i++) {
		struct wire w = on(in[i], i == 2 ? 6 : 2 + i);
		cr_assert_null(wire_str(&w).p);
		cr_assert(w.failed);
	}
	struct wire w = ON("\xc6\xff\xff\xff\xffx");
	cr_assert_null(wire_bin(&w).p);
	w = ON("\xdd\xff\xff\xff\xff");
	cr_assert_eq(wire_array(&w), 0);
	cr_assert(w.failed);
	w = ON("\x92\x01");
	cr_assert_eq(wire_array(&w), 0);
	w = ON("\x82\x01\x01\x01");
	cr_assert_eq(wire_map(&w), 0);
	cr_assert(w.failed);
	w = ON("\xdf\x80\x00\x00\x00\x01\x01");
	cr_assert_eq(wire_map(&w), 0);
}

Test(wire, containers)
{
	struct wire w = ON(
		"\x92\xdc\x00\x01\xdd\x00\x00\x00\x01\x81\xde\x00\x01\xdf\x00\x00\x00\x01\x01\x01");
	cr_assert_eq(wire_array(&w), 2);
	cr_assert_eq(wire_array(&w), 1);
	cr_assert_eq(wire_array(&w), 1);
	cr_assert_eq(wire_map(&w), 1);
	cr_assert_eq(wire_map(&w), 1);
	cr_assert_eq(wire_map(&w), 1);
	w = ON("\x01");
	wire_array(&w);
	cr_assert(w.failed);
	w = ON("\x01");
	wire_map(&w);
	cr_assert(w.failed);
}

Test(wire, skips_one_value_of_any_type)
{
	static const struct {
		const char *in;
		size_t n;
	} t[] = {
		{"\x05", 1},
		{"\xe1", 1},
		{"\xc0", 1},
		{"\xc2", 1},
		{"\xc3", 1},
		{"\xc4\x01z", 3},
		{"\xc5\x00\x01z", 4},
		{"\xc6\x00\x00\x00\x01z", 6},
		{"\xc7\x01\x07z", 4},
		{"\xc8\x00\x01\x07z", 5},
		{"\xc9\x00\x00\x00\x01\x07z", 7},
		{"\xca\x00\x00\x00\x00", 5},
		{"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9},
		{"\xcc\x01", 2},
		{"\xcd\x01\x01", 3},
		{"\xce\x01\x01\x01\x01", 5},
		{"\xcf\x01\x01\x01\x01\x01\x01\x01\x01", 9},
		{"\xd0\x01", 2},
		{"\xd1\x01\x01", 3},
		{"\xd2\x01\x01\x01\x01", 5},
		{"\xd3\x01\x01\x01\x01\x01\x01\x01\x01", 9},
		{"\xd4\x07z", 3},
		{"\xd5\x07zz", 4},
		{"\xd6\x07zzzz", 6},
		{"\xd7\x07zzzzzzzz", 10},
		{"\xd8\x07zzzzzzzzzzzzzzzz", 18},
		{"\xa2hi", 3},
		{"\xd9\x01z", 3},
		{"\xda\x00\x01z", 4},
		{"\xdb\x00\x00\x00\x01z", 6},
		{"\x92\x01\x91\x02", 4},
		{"\x81\xa1k\x92\x01\x02", 6},
		{"\xdc\x00\x01\x01", 4},
		{"\xdd\x00\x00\x00\x01\x01", 6},
		{"\xde\x00\x01\x01\x01", 5},
		{"\xdf\x00\x00\x00\x01\x01\x01", 7},
	};
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct wire w = on(t[i].in, t[i].n);
		wire_skip(&w);
		cr_assert(wire_end(&w), "case %zu", i);
		for (size_t n = 0; n < t[i].n; n++) {
			w = on(t[i].in, n);
			wire_skip(&w);
			cr_assert(w.failed, "case %zu cut to %zu", i, n);
		}
	}
	struct wire w = ON("\xc1");
	wire_skip(&w);
	cr_assert(w.failed);
}

Test(wire, deep_nesting_needs_no_stack)
{
	size_t n = 8 << 20;
	char *deep = malloc(n);
	memset(deep, 0x91, n);
	struct wire w = on(deep, n);
	wire_skip(&w);
	cr_assert(w.failed, "the innermost value is missing");
	deep[n - 1] = 0;
	w = on(deep, n);
	wire_skip(&w);
	cr_assert(wire_end(&w));
	free(deep);
}

Test(wire, a_failure_sticks)
{
	struct wire w = ON("\xc1\x01\xa1x\x91\x01\x81\x01\x01\xc3");
	wire_u64(&w);
	cr_assert(w.failed);
	cr_assert_eq(wire_u64(&w), 0);
	cr_assert_eq(wire_i64(&w), 0);
	cr_assert_null(wire_str(&w).p);
	cr_assert_null(wire_bin(&w).p);
	cr_assert_eq(wire_array(&w), 0);
	cr_assert_eq(wire_map(&w), 0);
	cr_assert_not(wire_bool(&w));
	wire_skip(&w);
	cr_assert_not(wire_end(&w));
}
