#include <criterion/criterion.h>
#include <string.h>

#include "logptn/cmd/learn.h"
#include "logptn/cmd/stamp.h"
#include "logptn/lib/lines.h"
#include "logptn_support.h"

Test(lines, ends)
{
	const char *text = "a\r\n\n\r\nbb\n  \nlast";
	const char *const want[] = {"a", "bb", "  ", "last"};
	const uint64_t numbers[] = {1, 4, 5, 6};
	const uint8_t *line;
	size_t at = 0, n, k = 0;
	uint64_t number = 0;

	while (lines_next((const uint8_t *)text, strlen(text), &at, &line, &n, &number)) {
		cr_assert_lt(k, 4);
		cr_expect_eq(n, strlen(want[k]));
		cr_expect_arr_eq(line, want[k], n);
		cr_expect_eq(number, numbers[k]);
		k++;
	}
	cr_expect_eq(k, 4);
}

/* Whether `line` continues a record that `first` started. */
static bool continues(const char *how, const char *first, const char *line)
{
	struct lines_record rec = {0};
	struct lines_rule r;
	char err[100];
	bool is;

	cr_assert_eq(lines_rule_set(&r, how, err, sizeof err), 0);
	cr_expect(!lines_continues(&r, &rec, (const uint8_t *)first, strlen(first)));
	is = lines_continues(&r, &rec, (const uint8_t *)line, strlen(line));
	cr_expect(!is || !lines_starts(&r, (const uint8_t *)line, strlen(line)), "%s", line);
	lines_rule_fini(&r);
	return is;
}

Test(lines, continuation)
{
	static const char *const timed[] = {"2024-01-01 x", "[Mon Jan 1] x", "<13>x", "Jan  1 x",
					    NULL};
	struct lines_record rec = {0};
	struct lines_rule r = {0};
	char err[100] = "";

	cr_expect(continues("auto", "x", "\tat com.example.A.b(A.java:3)"));
	cr_expect(continues("auto", "x", "    at a"));
	cr_expect(continues("auto", "x", "  File \"a.py\", line 3"));
	cr_expect(continues("auto", "x", "  ... 5 more"));
	cr_expect(continues("auto", "x", "Caused by: java.io.IOException"));
	cr_expect(continues("auto", "x", "Traceback (most recent call last):"));
	cr_expect(!continues("auto", "x", "Caused nothing"));
	cr_expect(!continues("auto", "x", "Trace"));
	for (const char *const *t = timed; *t; t++) {
		cr_expect(continues("auto", *t, "    indented"));
		cr_expect(continues("auto", *t, "\tindented"));
		cr_expect(!continues("auto", *t, " one blank"));
		cr_expect(!continues("auto", *t, "  two blanks"));
		cr_expect(!continues("auto", *t, "     "));
		cr_expect(!continues("auto", *t, "2024 again"));
	}
	cr_expect(!continues("auto", "no time", "    indented"));
	cr_expect(!continues("auto", "January", "    indented"));
	cr_expect(!continues("none", "2024", "\tat com.example.A.b(A.java:3)"));
	cr_expect(!continues("^[0-9]{4}", "2023", "2024 begins"));
	cr_expect(continues("^[0-9]{4}", "2023", "goes on"));
	cr_expect_eq(lines_rule_set(&r, "(", err, sizeof err), -22);
	cr_expect_str_neq(err, "");

	/* Indented lines go on behind a part of a stack trace. */
	lines_rule_set(&r, "auto", err, sizeof err);
	cr_expect(!lines_continues(&r, &rec, (const uint8_t *)"failed", 6));
	cr_expect(lines_continues(&r, &rec, (const uint8_t *)"  File \"a\"", 10));
	cr_expect(lines_continues(&r, &rec, (const uint8_t *)"    return x", 12));
	/* Nothing to continue at the start. */
	rec = (struct lines_record){0};
	cr_expect(!lines_continues(&r, &rec, (const uint8_t *)"\tat a.b", 7));
}

/* A stack trace is counted with the line it belongs to, whoever reads it. */
Test(lines, records_are_whole)
{
	const char *one =
		"10:00:01 ERROR failed 12\n\tat a.b.C(D.java:1)\nCaused by: x\n10:00:02 INFO fine "
		"5\n";
	size_t n = strlen(one), copies = 40000;
	uint8_t *big = calloc(1, n * copies + SHAPE_SLACK);
	struct input in = {.name = "", .p = big, .n = n * copies};
	struct lines_rule rule = {0};
	atomic_size_t done = 0;
	struct skels t;

	for (size_t i = 0; i < copies; i++)
		memcpy(big + i * n, one, n);
	skels_init(&t);
	cr_assert_eq(learn(&in, 1, &rule, 3, &t, &done), 0);
	cr_expect_eq(t.n, 2);
	cr_expect_eq(t.lines, 4 * copies);
	for (uint32_t i = 0; i < t.n; i++) {
		cr_expect_eq(t.v[i].records, copies);
		cr_expect_eq(t.v[i].lines,
			     strstr((const char *)t.v[i].text, "failed") ? 3 * copies : copies);
	}
	skels_fini(&t);
	free(big);
}

static int64_t stamp(const char *line)
{
	return stamp_parse((const uint8_t *)line, strlen(line), 2022);
}

Test(stamp, kinds)
{
	cr_expect_eq(stamp("2006-01-02T15:04:05Z x"), 1136214245);
	cr_expect_eq(stamp("2006-01-02 15:04:05,123 x"), 1136214245);
	cr_expect_eq(stamp("06/01/02 15:04:05 INFO"), 1136214245);
	cr_expect_eq(stamp("[Mon Jan 02 15:04:05 2006] x"), 1136214245);
	cr_expect_eq(stamp("1.2.3.4 - - [02/Jan/2006:15:04:05 +0000]"), 1136214245);
	cr_expect_eq(stamp("20060102-15:04:05:1|x"), 1136214245);
	cr_expect_eq(stamp("- 1136214245 2006.01.02 x"), 1136214245);
	cr_expect_eq(stamp("Jan  2 15:04:05 host x"), 1641135845);
	cr_expect_eq(stamp("01-02 15:04:05.1 x"), 1641135845);
	cr_expect_eq(stamp("no time at all"), -1);
	cr_expect_eq(stamp("13-45 99:99"), -1);
}
