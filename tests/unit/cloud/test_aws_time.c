#include <criterion/criterion.h>

#include "cloud/aws_time.h"

TestSuite(when);

Test(when, http_dates)
{
	uint64_t s = 0;
	cr_assert_eq(aws_time_http("Sun, 06 Nov 1994 08:49:37 GMT", &s), 0);
	cr_assert_eq(s, 784111777);
	cr_assert_eq(aws_time_http("Thu, 01 Jan 1970 00:00:00 GMT", &s), 0);
	cr_assert_eq(s, 0);
	static const char *const wrong[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Sun, 06 anF 1994 08:49:37 GMT",
		"Sun, 06 No 1994 08:49:37 GMT",
		"Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 -8:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_neq(aws_time_http(wrong[i], &s), 0, "%s", wrong[i]);
}

Test(when, iso_times)
{
	uint64_t s = 0;
	cr_assert_eq(aws_time_iso("1994-11-06T08:49:37Z", &s), 0);
	cr_assert_eq(s, 784111777);
	cr_assert_eq(aws_time_iso("1994-11-06T08:49:37.123456Z", &s), 0);
	cr_assert_eq(s, 784111777);
	static const char *const wrong[] = {"",
					    "1994-11-06",
					    "1994-11-06T08:49:37",
					    "1994-11-06T08:49:37+01:00",
					    "1994-13-06T08:49:37Z",
					    "1994-00-06T08:49:37Z",
					    "1994-11-06T08:49:37.5"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_neq(aws_time_iso(wrong[i], &s), 0, "%s", wrong[i]);
}

Test(when, sigv4_times)
{
	char text[WHEN_AMZ];
	when_amz(784111777, text);
	cr_assert_str_eq(text, "19941106T084937Z");
	when_amz(UINT64_MAX / 2, text);
	cr_assert_str_eq(text, "");
}
