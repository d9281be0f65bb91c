#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "elsewhere.h"
#include "term.h"

TestSuite(term, .init = elsewhere);

Test(term, text_is_safe_and_short)
{
	char out[64], q[16];
	term_text(out, sizeof out, bytes_str("a\x1b[31m\r\nb\tc\xff"), 40);
	cr_expect_str_eq(out, "a.[31m b c.");
	term_text(out, sizeof out, bytes_str("abcdef"), 4);
	cr_expect_str_eq(out, "abc\xe2\x80\xa6");
	term_text(out, sizeof out, bytes_str("abcd"), 4);
	cr_expect_str_eq(out, "abcd");
	term_quantity(q, 9999);
	cr_expect_str_eq(q, "9999");
	term_quantity(q, 1234567);
	cr_expect_str_eq(q, "1.2M");
	term_bytes(q, 33554432);
	cr_expect_str_eq(q, "32.0 MiB");
	term_clock(q, NOON_NS);
	cr_expect_str_eq(q, "12:00:00");
	term_span(q, 90 * NS_PER_S);
	cr_expect_str_eq(q, "90s");
	term_span(q, 3 * 86400 * NS_PER_S);
	cr_expect_str_eq(q, "3d");
}
