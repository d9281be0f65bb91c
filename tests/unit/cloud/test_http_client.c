#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cloud/http_client.h"
#include "proto/buf.h"

TestSuite(http);

static const char *escaped(const char *text, bool slash)
{
	static char out[1000];
	struct buf b;
	buf_init(&b, sizeof out - 1);
	cr_assert_eq(http_escape(&b, text, slash), 0);
	snprintf(out, sizeof out, "%.*s", (int)b.n, (const char *)b.p);
	buf_fini(&b);
	return out;
}

Test(http, escapes_all_but_unreserved)
{
	cr_assert_str_eq(escaped("AZaz09-._~", false), "AZaz09-._~");
	cr_assert_str_eq(escaped("a b+c=d:e*f(g)!'", false), "a%20b%2Bc%3Dd%3Ae%2Af%28g%29%21%27");
	cr_assert_str_eq(escaped("p/q", true), "p/q");
	cr_assert_str_eq(escaped("p/q", false), "p%2Fq");
	cr_assert_str_eq(escaped("\xc3\xa9%", false), "%C3%A9%25");
}

Test(http, an_escape_that_does_not_fit_says_so)
{
	struct buf b;
	buf_init(&b, 4);
	cr_assert_neq(http_escape(&b, "a b c", false), 0);
	buf_fini(&b);
}
