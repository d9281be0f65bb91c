#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/s3_name.h"
#include "uploader/store_s3.h"

TestSuite(s3_name);

Test(s3_name, buckets)
{
	static const char *const good[] = {
		"abc", "a.b-c", "0bucket9",
		"a23456789012345678901234567890123456789012345678901234567890123"};
	static const char *const bad[] = {
		"",
		"ab",
		"Abc",
		"a_b",
		"-abc",
		"abc-",
		".abc",
		"abc.",
		"a..b",
		"a/b",
		"a b",
		"abc?x",
		"abc@host",
		"abc#",
		"a234567890123456789012345678901234567890123456789012345678901234"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert(s3_bucket_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(s3_bucket_valid(bad[i]), "%s", bad[i]);
}

static const char *prefix(const char *text)
{
	static char out[1000];
	struct buf b;
	buf_init(&b, sizeof out - 1);
	int rc = s3_prefix(&b, text);
	snprintf(out, sizeof out, "%.*s", (int)b.n, b.p ? (const char *)b.p : "");
	buf_fini(&b);
	return rc ? "refused" : out;
}

Test(s3_name, prefixes)
{
	cr_assert_str_eq(prefix(""), "");
	cr_assert_str_eq(prefix("a"), "a/");
	cr_assert_str_eq(prefix("a/"), "a/");
	cr_assert_str_eq(prefix("a/b c/.d"), "a/b c/.d/");
	static const char *const bad[] = {"/",      "/a", "a//b", "a//",  "..",
					  "a/../b", ".",  "a/.",  "a\nb", "\xc3\xa9"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_str_eq(prefix(bad[i]), "refused", "%s", bad[i]);
}

static const char *base(const char *endpoint, const char *region, const char *bucket,
			enum s3_style style)
{
	static char out[1000];
	struct buf b;
	buf_init(&b, sizeof out - 1);
	int rc = s3_base(&b, endpoint, region, bucket, style);
	snprintf(out, sizeof out, "%.*s", (int)b.n, b.p ? (const char *)b.p : "");
	buf_fini(&b);
	return rc ? "refused" : out;
}

Test(s3_name, urls)
{
	cr_assert_str_eq(base(NULL, "eu-x-1", "abc", S3_AUTO),
			 "https://abc.s3.eu-x-1.amazonaws.com/");
	cr_assert_str_eq(base("", "cn-x-1", "abc", S3_AUTO),
			 "https://abc.s3.cn-x-1.amazonaws.com.cn/");
	cr_assert_str_eq(base(NULL, "eu-x-1", "a.b", S3_AUTO),
			 "https://s3.eu-x-1.amazonaws.com/a.b/");
	cr_assert_str_eq(base(NULL, "eu-x-1", "a.b", S3_VIRTUAL),
			 "https://a.b.s3.eu-x-1.amazonaws.com/");
	cr_assert_str_eq(base(NULL, "eu-x-1", "abc", S3_PATH),
			 "https://s3.eu-x-1.amazonaws.com/abc/");
	cr_assert_str_eq(base("http://127.0.0.1:9000", "r", "abc", S3_AUTO),
			 "http://127.0.0.1:9000/abc/");
	cr_assert_str_eq(base("https://s3.local:1/", "r", "abc", S3_VIRTUAL),
			 "https://abc.s3.local:1/");
	cr_assert_str_eq(base("https://[::1]:1", "r", "abc", S3_AUTO), "https://[::1]:1/abc/");
}

Test(s3_name, what_is_no_endpoint)
{
	char longer[400] = "https://";
	memset(longer + 8, 'h', 300);
	const char *const bad[] = {"s3.local",    "ftp://s3.local", "https://",    "https:///",
				   "https://h/p", "https://u@h",    "https://h?q", longer};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_str_eq(base(bad[i], "r", "abc", S3_AUTO), "refused", "%s", bad[i]);
	cr_assert_str_eq(base(NULL, "", "abc", S3_AUTO), "refused");
	cr_assert_str_eq(base(NULL, "r/x", "abc", S3_AUTO), "refused");
	memset(longer, 'r', 300);
	cr_assert_str_eq(base(NULL, longer, "abc", S3_AUTO), "refused");
}

static const char *checked(struct store_s3_conf c)
{
	static char why[256];
	strcpy(why, "");
	int rc = store_s3_check(&c, why, sizeof why);
	cr_assert_eq(rc, why[0] ? -EINVAL : 0);
	return why;
}

Test(s3_name, configurations)
{
	struct store_s3_conf c = {.bucket = "bucket"};
	cr_assert_str_eq(checked(c), "");
	c = (struct store_s3_conf){.bucket = "bucket",
				   .prefix = "a",
				   .endpoint = "http://h",
				   .topic = "arn:aws:sns:eu-x-1:1:n",
				   .sns_endpoint = "http://h",
				   .storage_class = "STANDARD_IA",
				   .creds = {.key_id = "k", .secret_file = "f"}};
	cr_assert_str_eq(checked(c), "");
	cr_assert(strstr(checked((struct store_s3_conf){0}), "s3_bucket"));
	cr_assert(strstr(checked((struct store_s3_conf){.bucket = "No"}), "s3_bucket"));
#define WITH(...) checked((struct store_s3_conf){.bucket = "bucket", __VA_ARGS__})
	cr_assert(strstr(WITH(.prefix = "/a"), "s3_prefix"));
	cr_assert(strstr(WITH(.endpoint = "h"), "s3_endpoint"));
	cr_assert(strstr(WITH(.topic = "topic"), "sns_topic"));
	cr_assert(strstr(WITH(.sns_endpoint = "h"), "sns_endpoint"));
	cr_assert(strstr(WITH(.storage_class = "A\r\nx: y"), "s3_storage_class"));
	cr_assert(strstr(WITH(.creds = {.key_id = "k"}), "secret_file"));
	cr_assert(strstr(WITH(.creds = {.secret_file = "k"}), "secret_file"));
}

Test(s3_name, destinations)
{
	char text[64];
	struct store_s3_conf c = {.bucket = "bucket", .prefix = "a/b"};
	cr_assert_eq(store_s3_destination(&c, text, sizeof text), 0);
	cr_assert_str_eq(text, "s3://bucket/a/b/");
	cr_assert_neq(store_s3_destination(&c, text, 16), 0);
	c.prefix = NULL;
	cr_assert_eq(store_s3_destination(&c, text, sizeof text), 0);
	cr_assert_str_eq(text, "s3://bucket/");
}
