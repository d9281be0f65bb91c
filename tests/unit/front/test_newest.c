#include <criterion/criterion.h>
#include <string.h>

#include "newest.h"

static void append(void *arg, const char *line)
{
	strcat(arg, line);
}

Test(newest, of_any_order)
{
	struct newest *n;
	char out[64] = "";
	double cut;
	cr_assert_eq(newest_new(4, 1 << 20, &n), 0);
	static const char *const lines[] = {"3", "1", "5", "0", "5", "2", "4"};
	for (size_t i = 0; i < 7; i++)
		cr_assert_eq(newest_add(n, *lines[i] - '0', i, bytes_str(lines[i])), 0);
	newest_out(n, 4, append, out);
	cr_expect_str_eq(out, "554");
	cr_expect_eq(newest_left(n), 1);
	/* Of the older file comes one that is newer than what is left of the first. */
	cr_assert_eq(newest_add(n, 3.5, 0, bytes_str("x")), 0);
	newest_out(n, 0, append, out);
	cr_expect_str_eq(out, "554x");
	cr_expect_eq(newest_left(n), 0);
	cr_assert_eq(newest_add(n, 9, 0, bytes_str("9")), 0);
	newest_out(n, 0, append, out);
	cr_expect_str_eq(out, "554x", "no more than asked for");
	cr_expect_not(newest_cut(n, &cut));
	newest_free(&n);
}

Test(newest, of_equal_times_the_later_line)
{
	struct newest *n;
	char out[64] = "";
	cr_assert_eq(newest_new(2, 1 << 20, &n), 0);
	cr_assert_eq(newest_add(n, 1, 7, bytes_str("a")), 0);
	cr_assert_eq(newest_add(n, 1, 8, bytes_str("b")), 0);
	cr_assert_eq(newest_add(n, 1, 3, bytes_str("c")), 0);
	newest_out(n, 0, append, out);
	cr_expect_str_eq(out, "ba");
	newest_free(&n);
}

Test(newest, no_hole_where_memory_ends)
{
	struct newest *n;
	char out[64] = "", large[1001];
	double cut;
	memset(large, 'L', 1000);
	large[1000] = '\0';
	cr_assert_eq(newest_new(100, 1500, &n), 0);
	cr_assert_eq(newest_add(n, 5, 0, bytes_str("5")), 0);
	for (int ts = 1; ts < 4; ts++)
		cr_assert_eq(newest_add(n, ts, 0, bytes_str(large)), 0);
	cr_assert(newest_cut(n, &cut));
	cr_expect_eq(cut, 2);
	newest_out(n, 4, append, out);
	cr_assert_eq(newest_add(n, 1.5, 0, bytes_str("older than what went")), 0);
	newest_out(n, 3.5, append, out);
	cr_expect_str_eq(out, "5");
	newest_free(&n);
}
