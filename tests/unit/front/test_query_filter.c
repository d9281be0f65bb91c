#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "elsewhere.h"
#include "query_filter.h"

TestSuite(query_filter, .init = elsewhere);

static const char record[] =
	"{\"init_ts\":1795262400.500000000,\"src_addr\":\"198.51.100.7\",\"dst_addr\":\"192.0.2.9\",\"dst_port\":8080,\"proto\":\"tcp\",\"app\":\"http\",\"readable\":\"GET /Shell HTTP\",\"verified\":true,\"http\":{\"user_agent\":\"curl/8\"}}";

static int try(const struct query_filter_args *t)
{
	struct query_filter m;
	char err[256];
	struct json_object *o;
	cr_assert_eq(query_filter_init(&m, t, NOON_NS, err, sizeof err), 0, "%s", err);
	int rc = query_filter_line(&m, bytes_str(record), &o);
	cr_assert_eq(o != NULL, rc == 1);
	json_object_put(o);
	return rc;
}

#define TRY(...) try(&(struct query_filter_args){__VA_ARGS__})

Test(query_filter, each_filter_both_ways)
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

Test(query_filter, wrong_arguments_are_refused)
{
	static const struct query_filter_args bad[] = {
		{.since = "soon"},       {.until = "x"},   {.address = "1.2"},
		{.source = "1.2.3.4/8"}, {.port = "http"}, {.port = "9-1"},
		{.port = "70000"},       {.port = "1-"},   {.since = "1h", .until = "2h"}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct query_filter m;
		char err[256] = "";
		cr_expect_eq(query_filter_init(&m, &bad[i], NOON_NS, err, sizeof err), -EINVAL,
			     "%zu", i);
		cr_expect(strstr(err, "expected"), "%s", err);
	}
}

Test(query_filter, what_is_no_record)
{
	struct query_filter m;
	char err[64];
	struct json_object *o;
	cr_assert_eq(
		query_filter_init(&m, &(struct query_filter_args){0}, NOON_NS, err, sizeof err), 0);
	cr_expect_eq(query_filter_line(&m, bytes_str("{\"init_ts\":1"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("[1]"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("{} {}"), &o), -EBADMSG);
	cr_expect_eq(query_filter_line(&m, bytes_str("{}"), &o), 0, "a record without a time");
}

Test(query_filter, no_day_that_may_match_is_skipped)
{
	struct query_filter m;
	char err[64];
	cr_assert_eq(query_filter_init(&m,
				       &(struct query_filter_args){.since = "2026-11-21T12:00Z"},
				       NOON_NS, err, sizeof err),
		     0);
	cr_expect(query_filter_day(&m, 20261121));
	cr_expect(query_filter_day(&m, 20261122));
	cr_expect_not(query_filter_day(&m, 20261120));
}
