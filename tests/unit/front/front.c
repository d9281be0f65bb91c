#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "count.h"
#include "days.h"
#include "front.h"
#include "match.h"
#include "when.h"

#define NS 1000000000ull
/* 2026-11-21 12:00:00 UTC */
#define NOW (1795262400ull * NS)

static void utc(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

TestSuite(front, .init = utc);

Test(front, when)
{
	uint64_t t;
	cr_assert_eq(when_parse("2h", NOW, &t), 0);
	cr_expect_eq(t, NOW - 7200 * NS);
	cr_assert_eq(when_parse("7d", NOW, &t), 0);
	cr_expect_eq(t, NOW - 7 * 86400 * NS);
	cr_assert_eq(when_parse("today", NOW, &t), 0);
	cr_expect_eq(t, NOW - 12 * 3600 * NS);
	cr_assert_eq(when_parse("yesterday", NOW, &t), 0);
	cr_expect_eq(t, NOW - 36 * 3600 * NS);
	cr_assert_eq(when_parse("2026-11-21", NOW, &t), 0);
	cr_expect_eq(t, NOW - 12 * 3600 * NS);
	cr_assert_eq(when_parse("2026-11-21T11:59:30Z", NOW, &t), 0);
	cr_expect_eq(t, NOW - 30 * NS);
	cr_assert_eq(when_parse("2026-11-21 11:30", NOW, &t), 0);
	cr_expect_eq(t, NOW - 1800 * NS);
	cr_assert_eq(when_parse("99999999999999999w", NOW, &t), 0,
		     "a span beyond 1970 is all time");
	cr_expect_eq(t, 0);
	static const char *const bad[] = {"", "soon", "5", "5y", "2h30m", "2026-11-21x", "-3h0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(when_parse(bad[i], NOW, &t), -EINVAL, "%s", bad[i]);
}

static const char record[] =
	"{\"init_ts\":1795262400.500000000,\"src_addr\":\"198.51.100.7\",\"dst_addr\":\"192.0.2."
	"9\","
	"\"dst_port\":8080,\"proto\":\"tcp\",\"app\":\"http\",\"readable\":\"GET /Shell HTTP\","
	"\"verified\":true,\"http\":{\"user_agent\":\"curl/8\"}}";

static int try(const struct match_text *t)
{
	struct match m;
	char err[256];
	struct json_object *o;
	cr_assert_eq(match_init(&m, t, NOW, err, sizeof(err)), 0, "%s", err);
	int rc = match_line(&m, bytes_str(record), &o);
	cr_assert_eq(o != NULL, rc == 1);
	json_object_put(o);
	return rc;
}

#define TRY(...) try(&(struct match_text){__VA_ARGS__})

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
	static const struct match_text bad[] = {
		{.since = "soon"}, {.until = "x"},  {.address = "1.2"}, {.source = "1.2.3.4/8"},
		{.port = "http"},  {.port = "9-1"}, {.port = "70000"},  {.port = "1-"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct match m;
		char err[256] = "";
		cr_expect_eq(match_init(&m, &bad[i], NOW, err, sizeof(err)), -EINVAL, "%zu", i);
		cr_expect(strstr(err, "expected"), "%s", err);
	}
}

Test(front, match_says_what_is_no_record)
{
	struct match m;
	char err[64];
	struct json_object *o;
	cr_assert_eq(match_init(&m, &(struct match_text){0}, NOW, err, sizeof(err)), 0);
	cr_expect_eq(match_line(&m, bytes_str("{\"init_ts\":1"), &o), -EBADMSG);
	cr_expect_eq(match_line(&m, bytes_str("[1]"), &o), -EBADMSG);
	cr_expect_eq(match_line(&m, bytes_str("{} {}"), &o), -EBADMSG);
	cr_expect_eq(match_line(&m, bytes_str("{}"), &o), 0, "a record without a time");
}

Test(front, match_day_never_skips_a_day_that_may_match)
{
	struct match m;
	char err[64];
	cr_assert_eq(match_init(&m, &(struct match_text){.since = "2026-11-21T12:00Z"}, NOW, err,
				sizeof(err)),
		     0);
	cr_expect(match_day(&m, 20261121));
	cr_expect(match_day(&m, 20261122));
	cr_expect_not(match_day(&m, 20261120));
}

Test(front, count_by_path)
{
	struct count *c;
	char out[1024] = "";
	cr_assert_eq(count_new("http.user_agent", &c), 0);
	struct json_object *o = json_tokener_parse(record), *none = json_tokener_parse("{}");
	for (int i = 0; i < 3; i++)
		cr_assert_eq(count_add(c, o), 0);
	cr_assert_eq(count_add(c, none), 0);
	FILE *f = fmemopen(out, sizeof(out), "w");
	count_print(c, f, 10, false);
	fclose(f);
	cr_expect(strstr(out, "         3   75.0%  curl/8\n"), "%s", out);
	cr_expect(strstr(out, "         1   25.0%  -\n"), "%s", out);
	f = fmemopen(out, sizeof(out), "w");
	count_print(c, f, 1, true);
	fclose(f);
	cr_expect_str_eq(out, "{\"http.user_agent\":\"curl\\/8\",\"count\":3}\n");
	json_object_put(o);
	json_object_put(none);
	count_free(&c);
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
	struct days d;
	cr_assert_eq(days_open(dir, &d), 0);
	cr_assert_eq(d.n, 3);
	for (size_t i = 0; i < d.n; i++)
		cr_assert_eq(days_read(&d, i, see, NULL), 0);
	cr_assert_eq(nseen, 5);
	cr_expect_str_eq(seen[0], "whole");
	cr_expect_str_eq(seen[2], "b");
	cr_expect_str_eq(seen[4], "d");
	nseen = 0;
	int one = 1;
	cr_expect_eq(days_read(&d, 1, see, &one), -EINTR);
	days_close(&d);
	char cmd[600];
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
	cr_expect_eq(days_open(dir, &d), -ENOENT);
}

Test(front, text_is_safe_and_short)
{
	char out[64], q[16];
	text_put(out, sizeof(out), bytes_str("a\x1b[31m\r\nb\tc\xff"), 40);
	cr_expect_str_eq(out, "a.[31m b c.");
	text_put(out, sizeof(out), bytes_str("abcdef"), 4);
	cr_expect_str_eq(out, "abc\xe2\x80\xa6");
	text_put(out, sizeof(out), bytes_str("abcd"), 4);
	cr_expect_str_eq(out, "abcd");
	text_quantity(q, 9999);
	cr_expect_str_eq(q, "9999");
	text_quantity(q, 1234567);
	cr_expect_str_eq(q, "1.2M");
	text_bytes(q, 33554432);
	cr_expect_str_eq(q, "32.0 MiB");
	text_span(q, 90 * NS);
	cr_expect_str_eq(q, "90s");
	text_span(q, 3 * 86400 * NS);
	cr_expect_str_eq(q, "3d");
}
