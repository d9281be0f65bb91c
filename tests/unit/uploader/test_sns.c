#include <criterion/criterion.h>
#include <errno.h>
#include <json.h>
#include <string.h>

#include "uploader/sns.h"

TestSuite(sns);

static const struct sns_object object = {.bucket = "bucket",
					 .key = "a b+c/pcap/x.pcap",
					 .region = "eu-x-1",
					 .bytes = 1234,
					 .stored_s = 784111777};

static const char *at(struct json_object *o, const char *path)
{
	struct json_object *v;
	cr_assert_eq(json_pointer_get(o, path, &v), 0, "%s", path);
	return json_object_get_string(v);
}

Test(sns, the_event_is_s3s)
{
	struct buf b;
	buf_init(&b, 4096);
	cr_assert_eq(sns_event(&b, &object), 0);
	buf_addc(&b, '\0');
	struct json_object *o = json_tokener_parse((const char *)b.p);
	cr_assert(o);
	cr_assert_str_eq(at(o, "/Records/0/eventSource"), "aws:s3");
	cr_assert_str_eq(at(o, "/Records/0/eventName"), "ObjectCreated:Put");
	cr_assert_str_eq(at(o, "/Records/0/awsRegion"), "eu-x-1");
	cr_assert_str_eq(at(o, "/Records/0/eventTime"), "1994-11-06T08:49:37.000Z");
	cr_assert_str_eq(at(o, "/Records/0/s3/bucket/name"), "bucket");
	cr_assert_str_eq(at(o, "/Records/0/s3/bucket/arn"), "arn:aws:s3:::bucket");
	cr_assert_str_eq(at(o, "/Records/0/s3/object/key"), "a%20b%2Bc/pcap/x.pcap");
	cr_assert_str_eq(at(o, "/Records/0/s3/object/size"), "1234");
	json_object_put(o);
	buf_fini(&b);
}

Test(sns, quotes_are_escaped)
{
	struct buf b;
	struct sns_object o = object;
	o.region = "a\"b\\c";
	buf_init(&b, 4096);
	cr_assert_eq(sns_event(&b, &o), 0);
	buf_addc(&b, '\0');
	struct json_object *j = json_tokener_parse((const char *)b.p);
	cr_assert_str_eq(at(j, "/Records/0/awsRegion"), "a\"b\\c");
	json_object_put(j);
	buf_fini(&b);
}

Test(sns, the_request)
{
	struct buf b;
	buf_init(&b, 4096);
	cr_assert_eq(sns_publish(&b, "arn:aws:sns:eu-x-1:1:n", &object), 0);
	buf_addc(&b, '\0');
	const char *text = (const char *)b.p;
	cr_assert(strstr(text, "Action=Publish&Version=2010-03-31&"));
	cr_assert(strstr(text, "&TopicArn=arn%3Aaws%3Asns%3Aeu-x-1%3A1%3An&"));
	cr_assert(strstr(text, "&Message=%7B%22Records%22%3A%5B%7B"));
	cr_assert_eq(
		strspn(text,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%&="),
		strlen(text));
	buf_fini(&b);
	buf_init(&b, 100);
	cr_assert_neq(sns_publish(&b, "arn:aws:sns:eu-x-1:1:n", &object), 0);
	buf_fini(&b);
}

Test(sns, regions_of_topics)
{
	char r[32];
	cr_assert_eq(sns_region("arn:aws:sns:eu-central-1:123456789012:name", r), 0);
	cr_assert_str_eq(r, "eu-central-1");
	cr_assert_eq(sns_region("arn:aws-cn:sns:cn-x-1:1:name", r), 0);
	static const char *const bad[] = {"",
					  "arn:aws:sqs:eu-x-1:1:n",
					  "topic",
					  "arn:aws:sns::1:n",
					  "arn:aws:sns:eu-x-1",
					  "arn:aws:sns:eu-x-1:1",
					  "arn:aws:sns:Eu/1:1:n",
					  "arn:aws",
					  "arn:aws:sns:a23456789012345678901234567890123:1:n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(sns_region(bad[i], r), -EINVAL, "%s", bad[i]);
}
