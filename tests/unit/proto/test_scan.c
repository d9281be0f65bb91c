#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/scan.h"

/* seen: "key=value;" of each member, and how it ended. */
static int seen(const char *text, char out[500])
{
	struct scan s;
	struct bytes key, value;
	size_t n = 0;
	int rc;

	scan_init(&s, bytes_str(text));
	while ((rc = scan_next(&s, &key, &value)) == 1)
		n += (size_t)snprintf(out + n, 500 - n, "%.*s=%.*s;", (int)key.n,
				      (const char *)key.p, (int)value.n, (const char *)value.p);
	out[n] = 0;
	cr_assert_eq(scan_next(&s, &key, &value), rc, "it stays at its end");
	return rc;
}

Test(scan, members_as_they_stand)
{
	char out[500];
	cr_assert_eq(seen("{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1,\"}\"]},\"e\":[],\"f\":null}", out),
		     0);
	cr_assert_str_eq(out, "a=1;b=\"x\";c={\"d\":[1,\"}\"]};e=[];f=null;");
	cr_assert_eq(seen(" { \"a\" : -1.5e3 , \"b\":true } ", out), 0);
	cr_assert_str_eq(out, "a=-1.5e3;b=true;");
	cr_assert_eq(seen("{}", out), 0);
	cr_assert_str_eq(out, "");
}

Test(scan, quotes_with_backslashes_end_nothing)
{
	char out[500];
	cr_assert_eq(
		seen("{\"a\":\"\\\",\\\"flow_id\\\":\\\"\",\"b\\\"\":\"\\\\\",\"c\":\"\\\\\\\"\"}",
		     out),
		0);
	cr_assert_str_eq(out, "a=\"\\\",\\\"flow_id\\\":\\\"\";b\\\"=\"\\\\\";c=\"\\\\\\\"\";");
}

Test(scan, what_is_no_object)
{
	static const char *const bad[] = {
		"",        "[]",        "{",           "{\"a\":1",      "{\"a\":1,",  "{\"a\":}",
		"{\"a\"}", "{a:1}",     "{\"a\":\"x}", "{\"a\":[1}",    "{\"a\":1}x", "{,\"a\":1}",
		"7",       "{\"a\" 1}", "{\"a\":1 2}", "{\"a\":\"\\\"}"};
	char out[500];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_expect_eq(seen(bad[i], out), -EBADMSG, "%s", bad[i]);
}

Test(scan, values)
{
	cr_assert(bytes_eq(scan_string(bytes_str("\"ab\"")), bytes_str("ab")));
	cr_assert(bytes_eq(scan_string(bytes_str("\"\"")), bytes_str("")));
	cr_assert_null(scan_string(bytes_str("12")).p);
	cr_assert_eq(scan_u64(bytes_str("18446744073709551615")), UINT64_MAX);
	cr_assert_eq(scan_u64(bytes_str("18446744073709551616")), 0);
	cr_assert_eq(scan_u64(bytes_str("-1")), 0);
	cr_assert_eq(scan_u64(bytes_str("\"1\"")), 0);
}
