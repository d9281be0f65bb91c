#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "day_files.h"
#include "newest.h"
#include "query_filter.h"
#include "term.h"
#include "time_arg.h"
#include "value_counts.h"

#define NS 1000000000ull
/* 2026-11-21 12:00:00 UTC */
#define NOW (1795262400ull * NS)

/* Nothing here depends on where the machine stands. */
static void elsewhere(void)
{
	setenv("TZ", "XXX-5:30", 1);
	tzset();
}

TestSuite(front, .init = elsewhere);

Test(front, when)
{
	uint64_t t;
	cr_assert_eq(time_arg_parse("2h", NOW, &t), 0);
	cr_expect_eq(t, NOW - 7200 * NS);
	cr_assert_eq(time_arg_parse("7d", NOW, &t), 0);
	cr_expect_eq(t, NOW - 7 * 86400 * NS);
	cr_assert_eq(time_arg_parse("today", NOW, &t), 0);
	cr_expect_eq(t, NOW - 12 * 3600 * NS);
	cr_assert_eq(time_arg_parse("yesterday", NOW, &t), 0);
	cr_expect_eq(t, NOW - 36 * 3600 * NS);
	cr_assert_eq(time_arg_parse("2026-11-21", NOW, &t), 0);
	cr_expect_eq(t, NOW - 12 * 3600 * NS);
	cr_assert_eq(time_arg_parse("2026-11-21T11:59:30Z", NOW, &t), 0);
	cr_expect_eq(t, NOW - 30 * NS);
	cr_assert_eq(time_arg_parse("2026-11-21 11:30", NOW, &t), 0);
	cr_expect_eq(t, NOW - 1800 * NS);
	cr_assert_eq(time_arg_parse("99999999999999999w", NOW, &t), 0,
		     "a span beyond 1970 is all time");
	cr_expect_eq(t, 0);
	static const struct {
		const char *text;
		int seconds; /* after 8:30 */
	} offsets[] = {{"2026-11-21T08:30:00+01:00", -3600}, {"2026-11-21T08:30-0530", 19800},
		       {"2026-11-21 08:30:05+02", -7195},    {"2026-11-21T08:30", 0},
		       {"2026-11-21T08:30:00Z", 0},          {"2026-11-21+00:30", -32400}};
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		cr_assert_eq(time_arg_parse(offsets[i].text, NOW, &t), 0, "%s", offsets[i].text);
		cr_expect_eq(t, NOW - 12600 * NS + (uint64_t)(int64_t)offsets[i].seconds * NS, "%s",
			     offsets[i].text);
	}
	static const char *const bad[] = {"",
					  "soon",
					  "5",
					  "5y",
					  "2h30m",
					  "-3h0",
					  "-5h",
					  "+5h",
					  " 5h",
					  "2026-11-21x",
					  "2026-02-30",
					  "2026-13-01",
					  "2026-11-31T08:30Z",
					  "2026-11-21T08:30+1:00",
					  "2026-11-21T08:30+01:",
					  "2026-11-21T08:30+24:00",
					  "2026-11-21T08:30Z1",
					  "2026-11-21T08:30+01:60",
					  "2026-11-21T08:30+01:00x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(time_arg_parse(bad[i], NOW, &t), -EINVAL, "%s", bad[i]);
}

static const char record[] =
	"{\"init_ts\":1795262400.500000000,\"src_addr\":\"198.51.100.7\",\"dst_addr\":\"192.0.2.9\",\"dst_port\":8080,\"proto\":\"tcp\",\"app\":\"http\",\"readable\":\"GET /Shell HTTP\",\"verified\":true,\"http\":{\"user_agent\":\"curl/8\"}}";

static int try(const struct query_filter_args *t)
{
	struct query_filter m;
	char err[256];
	struct json_object *o;
	cr_assert_eq(query_filter_init(&m, t, NOW, err, sizeof(err)), 0, "%s", err);
	int rc = query_filter_line(&m, bytes_str(record), &o);
	cr_assert_eq(o != NULL, rc == 1);
	json_object_put(o);
	return rc;
}

#define TRY(...) try(&(struct query_filter_args){__VA_ARGS__})

Test(front, match_each_filter_both_ways)
{
	cr_expect_eq(TRY(0), 1);
	cr_expect_eq(TRY(.since = "2026-11-21T12:00Z"), 1);
	cr_expect_eq(TRY(.since = "2026-11-21T12:01Z"), 0);
	cr_expect_eq(TRY(.until = "2026-11-21T12:00Z"), 0);
	cr_expect_eq(TRY(.until = "2026-11-21T12:01Z"), 1);
	cr_expect_eq(TRY(.port = "8080"), 1);
	cr_expect_eq(TRY(.port = "8000-8999"), 1);
	cr_expect_eq(TRY(.port = "80"), 0);
	cr_expect_eq(TRY(.proto = "TCP"), 1);
	cr_expect_eq(TRY(.proto = "http"), 1);
	cr_expect_eq(TRY(.proto = "ssh"), 0);
	cr_expect_eq(TRY(.source = "198.51.100.0/24"), 1);
	cr_expect_eq(TRY(.source = "192.0.2.9"), 0);
	cr_expect_eq(TRY(.address = "192.0.2.9"), 1);
	cr_expect_eq(TRY(.address = "192.0.2.10"), 0);
	cr_expect_eq(TRY(.text = "/shell"), 1);
	cr_expect_eq(TRY(.text = "/bin"), 0);
	cr_expect_eq(TRY(.verified = true), 1);
	cr_expect_eq(TRY(.is_new = true), 0);
}

Test(front, match_refuses_what_it_cannot_mean)
{
	static const struct query_filter_args bad[] = {
		{.since = "soon"},       {.until = "x"},   {.address = "1.2"},
		{.source = "1.2.3.4/8"}, {.port = "http"}, {.port = "9-1"},
		{.port = "70000"},       {.port = "1-"},   {.since = "1h", .until = "2h"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct query_filter m;
		char err[256] = "";
		cr_expect_eq(query_filter_init(&m, &bad[i], NOW, err, sizeof(err)), -EINVAL, "%zu",
			     i);
		cr_expect(strstr(err, "expected"), "%s", err);
	}
}

Test(front, match_says_what_is_no_record)
{
	struct query_filter m;
	char err[64];
	struct json_object *o;
	cr_assert_eq(query_filter_init(&m, &(struct query_filter_args){0}, NOW, err, sizeof(err)),
		     0);
	cr_expect_eq(query_filter_line(&m, bytes_str("{\"init_ts\":1"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("[1]"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("{} {}"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("{}"), &o), 0, "a record without a time");
}

Test(front, match_day_never_skips_a_day_that_may_match)
{
	struct query_filter m;
	char err[64];
	cr_assert_eq(query_filter_init(&m,
				       &(struct query_filter_args){.since = "2026-11-21T12:00Z"},
				       NOW, err, sizeof(err)),
		     0);
	cr_expect(query_filter_day(&m, 20261121));
	cr_expect(query_filter_day(&m, 20261122));
	cr_expect_not(query_filter_day(&m, 20261120));
}

Test(front, count_by_path)
{
	struct value_counts *c;
	char out[1024] = "";
	cr_assert_eq(value_counts_new("http.user_agent", &c), 0);
	struct json_object *o = json_tokener_parse(record), *none = json_tokener_parse("{}");
	for (int i = 0; i < 3; i++)
		cr_assert_eq(value_counts_add(c, o), 0);
	cr_assert_eq(value_counts_add(c, none), 0);
	FILE *f = fmemopen(out, sizeof(out), "w");
	value_counts_print(c, f, NULL, 10, false);
	fclose(f);
	cr_expect(strstr(out, "         3   75.0%  curl/8\n"), "%s", out);
	cr_expect(strstr(out, "         1   25.0%  -\n"), "%s", out);
	f = fmemopen(out, sizeof(out), "w");
	char more[128] = "";
	FILE *notes = fmemopen(more, sizeof(more), "w");
	value_counts_print(c, f, notes, 1, true);
	fclose(f);
	fclose(notes);
	cr_expect_str_eq(out, "{\"http.user_agent\":\"curl/8\",\"count\":3}\n");
	cr_expect(strstr(more, "leaves out 1 of 4 records\n"), "%s", more);
	json_object_put(o);
	json_object_put(none);
	value_counts_free(&c);
}

/* counted: what counting a field of one record prints as JSON. */
static void counted(const char *field, const char *text, const char *want)
{
	struct value_counts *c;
	char out[256] = "";
	struct json_object *o = json_tokener_parse(text);
	cr_assert_eq(value_counts_new(field, &c), 0);
	cr_assert_eq(value_counts_add(c, o), 0);
	FILE *f = fmemopen(out, sizeof(out), "w");
	value_counts_print(c, f, f, 10, true);
	fclose(f);
	cr_expect_str_eq(out, want, "%s", out);
	json_object_put(o);
	value_counts_free(&c);
}

Test(front, count_keeps_the_kind_of_a_value)
{
	counted("dst_port", "{\"dst_port\":80}", "{\"dst_port\":80,\"count\":1}\n");
	counted("app", "{\"app\":\"80\"}", "{\"app\":\"80\",\"count\":1}\n");
	counted("app", "{\"app\":null}", "{\"app\":null,\"count\":1}\n");
	counted("app", "{}", "{\"app\":null,\"count\":1}\n");
	counted("verified", "{\"verified\":true}", "{\"verified\":true,\"count\":1}\n");
}

Test(front, count_knows_the_fields)
{
	static const char *const good[] = {"src_addr", "http.user_agent", "http", "geo.country",
					   "gaps"};
	static const char *const bad[] = {"",           "nosuch", "http.nosuch",
					  "src_addr.x", "http.",  "gaps.from"};
	char err[2048];
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_expect(value_counts_field_known(good[i], err, sizeof(err)), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(value_counts_field_known(bad[i], err, sizeof(err)), "%s", bad[i]);
	cr_expect_not(value_counts_field_known("nosuch", err, sizeof(err)));
	cr_expect(strstr(err, "no field \"nosuch\"; there are init_ts "), "%s", err);
	cr_expect(strstr(err, " s7"), "%s", err);
	cr_expect_not(value_counts_field_known("http.nosuch", err, sizeof(err)));
	cr_expect(strstr(err, " http.user_agent"), "%s", err);
}

static void append(void *arg, const char *line)
{
	strcat(arg, line);
}

Test(front, newest_of_any_order)
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

Test(front, newest_of_equal_times_is_the_later_line)
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

Test(front, newest_has_no_hole_where_memory_ends)
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

static char seen[64][32];
static int nseen;

static int see(void *arg, struct bytes line)
{
	int *stop_at = arg;
	snprintf(seen[nseen++], 32, "%.*s", (int)line.n, (const char *)line.p);
	return stop_at && nseen == *stop_at ? -EINTR : 0;
}

static void write_file(const char *dir, const char *name, const char *text, bool packed)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	gzFile f = gzopen(path, packed ? "wb" : "wbT");
	cr_assert_eq(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
	gzclose(f);
}

Test(front, days_plain_and_packed)
{
	char dir[] = "/tmp/lurker-days-XXXXXX";
	cr_assert_not_null(mkdtemp(dir));
	write_file(dir, "2026-11-20.jsonl.gz", "a\nb\n", true);
	write_file(dir, "2026-11-21.jsonl", "c\n\nd\ntorn", false);
	write_file(dir, "2026-11-19.jsonl", "whole\n", false);
	write_file(dir, "2026-11-19.jsonl.gz", "half", false);
	write_file(dir, "notes.txt", "x\n", false);
	write_file(dir, "2026-11-18.jsonl.tmp", "x\n", false);
	struct day_files d;
	cr_assert_eq(day_files_open(dir, &d), 0);
	cr_assert_eq(d.n, 3);
	for (size_t i = 0; i < d.n; i++)
		cr_assert_eq(day_files_read(&d, i, see, NULL), 0);
	cr_assert_eq(nseen, 5);
	cr_expect_str_eq(seen[0], "whole");
	cr_expect_str_eq(seen[2], "b");
	cr_expect_str_eq(seen[4], "d");
	nseen = 0;
	int one = 1;
	cr_expect_eq(day_files_read(&d, 1, see, &one), -EINTR);
	day_files_close(&d);
	char cmd[600];
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
	cr_expect_eq(day_files_open(dir, &d), -ENOENT);
}

static void cut_file(const char *dir, const char *name, off_t at)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert_eq(truncate(path, at), 0);
}

Test(front, days_say_what_is_broken)
{
	char dir[] = "/tmp/lurker-days-XXXXXX", path[DAY_FILES_PATH_MAX];
	cr_assert_not_null(mkdtemp(dir));
	static const char text[] = "one\ntwo\n";
	write_file(dir, "2026-11-01.jsonl.gz", text, true);
	cut_file(dir, "2026-11-01.jsonl.gz", 0);
	write_file(dir, "2026-11-02.jsonl.gz", text, true);
	cut_file(dir, "2026-11-02.jsonl.gz", 5);
	write_file(dir, "2026-11-03.jsonl.gz", text, true);
	cut_file(dir, "2026-11-03.jsonl.gz", 22); /* in its checksum */
	write_file(dir, "2026-11-04.jsonl.gz", text, false);
	write_file(dir, "2026-11-05.jsonl", "", false);
	struct day_files d;
	cr_assert_eq(day_files_open(dir, &d), 0);
	cr_assert_eq(d.n, 5);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(day_files_read(&d, i, see, NULL), -EBADMSG, "%zu", i);
	cr_expect_geq(nseen, 2);
	cr_expect_eq(day_files_read(&d, 4, see, NULL), 0);
	day_files_path(&d, 0, path);
	cr_expect(strstr(path, "/2026-11-01.jsonl.gz"), "%s", path);
	day_files_close(&d);
	char cmd[600];
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
}

Test(front, text_is_safe_and_short)
{
	char out[64], q[16];
	term_text(out, sizeof(out), bytes_str("a\x1b[31m\r\nb\tc\xff"), 40);
	cr_expect_str_eq(out, "a.[31m b c.");
	term_text(out, sizeof(out), bytes_str("abcdef"), 4);
	cr_expect_str_eq(out, "abc\xe2\x80\xa6");
	term_text(out, sizeof(out), bytes_str("abcd"), 4);
	cr_expect_str_eq(out, "abcd");
	term_quantity(q, 9999);
	cr_expect_str_eq(q, "9999");
	term_quantity(q, 1234567);
	cr_expect_str_eq(q, "1.2M");
	term_bytes(q, 33554432);
	cr_expect_str_eq(q, "32.0 MiB");
	term_clock(q, NOW);
	cr_expect_str_eq(q, "12:00:00");
	term_span(q, 90 * NS);
	cr_expect_str_eq(q, "90s");
	term_span(q, 3 * 86400 * NS);
	cr_expect_str_eq(q, "3d");
}
