#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/logptn.h"

static const char text[] =
	"Invalid user amy from 10.0.0.1\nInvalid user bob from 10.0.0.2\r\nlink eth0 is up\n";

static struct logptn *fed(const char *s, size_t step)
{
	struct logptn *l;
	size_t n = strlen(s);

	cr_assert_eq(logptn_new(&l), 0);
	for (size_t i = 0; i < n; i += step)
		cr_assert_eq(logptn_feed(l, s + i, n - i < step ? n - i : step), 0);
	cr_assert_eq(logptn_end(l), 0);
	return l;
}

Test(api, feed_snapshot_iterate_match)
{
	for (size_t step = 1; step < 40; step += 7) {
		struct logptn *l = fed(text, step);
		struct logptn_formats *f;
		struct logptn_format m;
		struct logptn_value v[8];
		size_t i, n = 8;
		const char *line = "Invalid user carol from 192.168.1.77";
		char *regex;

		cr_expect_eq(logptn_lines(l), 3);
		cr_assert_eq(logptn_snapshot(l, &f), 0);
		logptn_free(&l); /* a snapshot is on its own */
		cr_assert_eq(logptn_count(f), 2);
		m = logptn_format(f, 0);
		cr_expect_str_eq(m.template, "Invalid user * from *");
		cr_expect_eq(m.lines, 2);
		cr_expect(m.fresh);
		cr_expect_eq(m.segments, 4);
		cr_expect_eq(logptn_segment(f, 0, 0).n, strlen("Invalid user "));
		cr_expect_str_eq(logptn_segment(f, 0, 3).name, "ip");
		regex = logptn_regex(f, 0);
		cr_expect(regex && strstr(regex, "(?<ip>"));
		free(regex);
		cr_assert_eq(logptn_match(f, line, strlen(line), &i, v, &n), 0);
		cr_expect_eq(i, 0);
		cr_expect_eq(n, 2);
		cr_expect_eq(v[0].offset, 13);
		cr_expect_eq(v[0].n, 5);
		cr_expect_arr_eq(line + v[1].offset, "192.168.1.77", v[1].n);
		n = 1;
		cr_expect_eq(logptn_match(f, line, strlen(line), &i, v, &n), -ENOSPC);
		cr_expect_eq(n, 2);
		n = 0;
		cr_expect_eq(logptn_match(f, line, strlen(line), &i, NULL, &n), 0);
		cr_expect_eq(logptn_match(f, "nothing like it", 15, &i, NULL, &n), -ENOENT);
		logptn_formats_free(&f);
	}
}

Test(api, merge_save_load)
{
	struct logptn *a = fed(text, 1000), *b = fed("fan 5 stopped\n", 1000), *c;
	struct logptn_formats *f;
	void *p;
	size_t n;

	cr_assert_eq(logptn_merge(a, b), 0);
	cr_expect_eq(logptn_lines(a), 4);
	cr_assert_eq(logptn_snapshot(a, &f), 0);
	logptn_formats_free(&f);
	cr_assert_eq(logptn_save(a, &p, &n), 0);
	cr_assert_eq(logptn_new(&c), 0);
	cr_expect_eq(logptn_load(c, p, n - 1), -EBADMSG);
	cr_assert_eq(logptn_load(c, p, n), 0);
	logptn_time(c, 77);
	logptn_feed(c, "pump on\nlink eth1 is up\n", 24);
	cr_assert_eq(logptn_snapshot(c, &f), 0);
	for (size_t i = 0; i < logptn_count(f); i++) {
		struct logptn_format m = logptn_format(f, i);

		cr_expect_eq(m.fresh, !strcmp(m.template, "pump on"), "%s", m.template);
		cr_expect_eq(m.nwas, !strcmp(m.template, "link * is up"), "%s", m.template);
		if (m.nwas)
			cr_expect_eq(strlen(logptn_was(f, i, 0)), 64);
		if (m.fresh)
			cr_expect_eq(m.first_ns, 77);
	}
	logptn_formats_free(&f);
	free(p);
	logptn_free(&a);
	logptn_free(&b);
	logptn_free(&c);
}

Test(api, records_and_limits)
{
	struct logptn *l;
	struct logptn_formats *f;
	char *big = malloc(100001);

	cr_assert_eq(logptn_new(&l), 0);
	cr_expect_eq(logptn_multiline(l, "("), -EINVAL);
	cr_assert_eq(logptn_multiline(l, "^[0-9]"), 0);
	logptn_feed(l, "1 begins\nand goes on\n2 begins\n", 30);
	memset(big, 'x', 100000);
	big[100000] = '\n';
	logptn_feed(l, big, 100001);
	logptn_feed(l, "3 begins", 8); /* no newline, no end yet */
	cr_expect_eq(logptn_lines(l), 4);
	logptn_end(l);
	cr_expect_eq(logptn_lines(l), 5);
	cr_assert_eq(logptn_snapshot(l, &f), 0);
	cr_expect_eq(logptn_count(f), 1);
	cr_expect_eq(logptn_format(f, 0).lines, 5);
	logptn_formats_free(&f);
	logptn_free(&l);
	free(big);
}
