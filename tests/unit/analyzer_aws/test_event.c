#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/event.h"
#include "cloud/json_text.h"

static struct event e;

static void done(void)
{
	event_fini(&e);
}

TestSuite(event, .fini = done);

static struct bytes record(const char *name, const char *bucket, const char *key)
{
	static char text[8192];
	snprintf(
		text, sizeof text,
		"{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"eventName\":\"%s\",\"s3\":{\"bucket\":{\"name\":\"%s\"},\"object\":{\"key\":\"%s\",\"size\":3}}}]}",
		name, bucket, key);
	return bytes_str(text);
}

/* wrap: the text as a message of SNS. */
static struct bytes wrap(struct bytes text)
{
	static char out[4][65536];
	static unsigned turn;
	struct buf b;
	char *to = out[turn++ % 4];

	buf_init(&b, sizeof out[0] - 1);
	buf_adds(
		&b,
		"{\"Type\":\"Notification\",\"MessageId\":\"x\",\"TopicArn\":\"arn\",\"Message\":");
	json_text(&b, text);
	cr_assert_eq(buf_addc(&b, '}'), 0);
	memcpy(to, b.p, b.n);
	to[b.n] = '\0';
	buf_fini(&b);
	return bytes_str(to);
}

static const char *key_of(const char *key)
{
	event_fini(&e);
	if (event_read(record("ObjectCreated:Put", "bucket", key), &e) != 0)
		return e.why;
	cr_assert_eq(e.n, 1);
	return e.v[0].key;
}

Test(event, from_s3_itself)
{
	cr_assert_eq(event_read(record("ObjectCreated:Put", "my-bucket", "pcap/a.pcap"), &e), 0);
	cr_assert_eq(e.n, 1);
	cr_assert_str_eq(e.v[0].bucket, "my-bucket");
	cr_assert_str_eq(e.v[0].key, "pcap/a.pcap");
	cr_assert(e.tests == 0 && e.others == 0);
}

Test(event, through_sns_and_twice)
{
	struct bytes once = wrap(record("ObjectCreated:CompleteMultipartUpload", "bucket", "k"));
	cr_assert_eq(event_read(once, &e), 0, "%s", e.why);
	cr_assert_str_eq(e.v[0].key, "k");
	event_fini(&e);
	cr_assert_eq(event_read(wrap(once), &e), 0);
	cr_assert_str_eq(e.v[0].key, "k");
	event_fini(&e);
	cr_assert_eq(event_read(wrap(wrap(wrap(once))), &e), -EBADMSG);
	cr_assert_str_eq(e.why, "it is wrapped too often");
}

Test(event, tests_and_what_is_not_stored)
{
	struct bytes test = bytes_str(
		"{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Bucket\":\"b\"}");
	cr_assert_eq(event_read(test, &e), 0);
	cr_assert(e.n == 0 && e.tests == 1);
	event_fini(&e);
	cr_assert_eq(event_read(wrap(test), &e), 0);
	cr_assert(e.n == 0 && e.tests == 1);
	event_fini(&e);
	cr_assert_eq(event_read(record("ObjectRemoved:Delete", "bucket", "k"), &e), 0);
	cr_assert(e.n == 0 && e.others == 1);
	event_fini(&e);
	cr_assert_eq(event_read(record("s3:ObjectCreated:Put", "bucket", "k"), &e), 0,
		     "as Ceph and MinIO write it");
	cr_assert_eq(e.n, 1);
	event_fini(&e);
	cr_assert_eq(event_read(bytes_str("{\"Records\":[]}"), &e), 0);
	cr_assert(e.n == 0 && e.others == 0);
}

Test(event, keys_are_decoded)
{
	cr_assert_str_eq(key_of("a+b%2Bc%20d"), "a b+c d");
	cr_assert_str_eq(key_of("%c3%A9/x%25"), "\xc3\xa9/x%");
	cr_assert_str_eq(key_of("..a/b../...c"), "..a/b../...c");
	cr_assert_str_eq(key_of("a//b/"), "a//b/");
}

Test(event, keys_that_are_none)
{
	static char longer[EVENT_KEY_MAX + 1];
	memset(longer, 'k', EVENT_KEY_MAX);
	cr_assert_str_eq(key_of(""), "the key is empty");
	cr_assert_str_eq(key_of("a%"), "the key is not encoded as S3 does it");
	cr_assert_str_eq(key_of("a%2"), "the key is not encoded as S3 does it");
	cr_assert_str_eq(key_of("a%2x"), "the key is not encoded as S3 does it");
	cr_assert_str_eq(key_of("a%00b"), "the key has a NUL");
	cr_assert_str_eq(key_of("a\\u0000b"), "the key has a NUL");
	cr_assert_str_eq(key_of("a%ff"), "the key is not UTF-8");
	cr_assert_str_eq(key_of("../b"), "the key has a component . or ..");
	cr_assert_str_eq(key_of("a/%2e%2E/b"), "the key has a component . or ..");
	cr_assert_str_eq(key_of("/./b"), "the key has a component . or ..");
	cr_assert_str_eq(key_of("a/.."), "the key has a component . or ..");
	cr_assert_str_eq(key_of(longer), "the key is too long");
	longer[EVENT_KEY_MAX - 1] = '\0';
	cr_assert_str_eq(key_of(longer), longer);
}

Test(event, what_is_none)
{
	static const char *const texts[] = {
		"",
		"hello",
		"[]",
		"{}",
		"{\"Records\":{}}",
		"{\"Records\":[1]}",
		"{\"Records\":[{\"eventName\":\"ObjectCreated:Put\"}]}",
		"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"bucket\"}}}]}",
		"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":7},\"object\":{\"key\":\"k\"}}}]}",
		"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"../x\"},\"object\":{\"key\":\"k\"}}}]}",
		"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"buc\\u0000ket\"},\"object\":{\"key\":\"k\"}}}]}",
		"{\"Type\":\"Notification\"}",
		"{\"Type\":\"Notification\",\"Message\":\"{\"}",
		"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"bucket\"},\"object\":{\"key\":\"k\"}}}",
		"{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_assert_eq(event_read(bytes_str(texts[i]), &e), -EBADMSG, "%s", texts[i]);
		cr_assert(e.why[0], "%s", texts[i]);
		event_fini(&e);
	}
}

Test(event, several_records_up_to_a_limit)
{
	struct buf b;
	for (size_t n = EVENT_OBJECTS_MAX; n <= EVENT_OBJECTS_MAX + 1; n++) {
		buf_init(&b, 1u << 20);
		buf_adds(&b, "{\"Records\":[");
		for (size_t i = 0; i < n; i++)
			buf_addf(
				&b,
				"%s{\"s3\":{\"bucket\":{\"name\":\"bucket\"},\"object\":{\"key\":\"%zu\"}}}",
				i ? "," : "", i);
		buf_adds(&b, "]}");
		int rc = event_read(buf_bytes(&b), &e);
		cr_assert_eq(rc, n > EVENT_OBJECTS_MAX ? -EBADMSG : 0);
		cr_assert_eq(e.n, EVENT_OBJECTS_MAX);
		cr_assert_str_eq(e.v[255].key, "255");
		event_fini(&e);
		buf_fini(&b);
	}
}

Test(event, more_bytes_than_a_message_can_have)
{
	char *text = malloc(EVENT_BYTES_MAX + 2);
	memset(text, ' ', EVENT_BYTES_MAX + 1);
	memcpy(text, "{\"Records\":[]", 13);
	text[EVENT_BYTES_MAX] = '}';
	cr_assert_eq(event_read(bytes_of(text, EVENT_BYTES_MAX + 1), &e), -EBADMSG);
	text[EVENT_BYTES_MAX - 1] = '}';
	event_fini(&e);
	cr_assert_eq(event_read(bytes_of(text, EVENT_BYTES_MAX), &e), 0);
	free(text);
}

static struct lambda_event l;

static void lambda_done(void)
{
	lambda_event_fini(&l);
}

TestSuite(lambda_event, .fini = lambda_done);

Test(lambda_event, of_sqs)
{
	struct buf b;
	buf_init(&b, 1u << 16);
	buf_adds(
		&b,
		"{\"Records\":[{\"messageId\":\"m-1\",\"eventSource\":\"aws:sqs\",\"attributes\":{\"ApproximateReceiveCount\":\"3\"},\"body\":");
	json_text(&b, wrap(record("ObjectCreated:Put", "bucket", "one")));
	buf_adds(&b,
		 "},{\"messageId\":\"m-2\",\"eventSource\":\"aws:sqs\",\"body\":\"nothing\"}]}");
	cr_assert_eq(lambda_event_read(buf_bytes(&b), &l), 0);
	cr_assert(l.sqs && l.n == 2);
	cr_assert_str_eq(l.v[0].id, "m-1");
	cr_assert(l.v[0].receives == 3 && l.v[0].rc == 0 && l.v[0].event.n == 1);
	cr_assert_str_eq(l.v[0].event.v[0].key, "one");
	cr_assert(l.v[1].receives == 0 && l.v[1].rc == -EBADMSG && l.v[1].event.why[0]);
	buf_reset(&b);
	cr_assert_eq(lambda_response(&b, &l), 0);
	cr_assert(bytes_eq(buf_bytes(&b), bytes_str("{\"batchItemFailures\":[]}")));
	buf_reset(&b);
	l.v[0].failed = l.v[1].failed = true;
	cr_assert_eq(lambda_response(&b, &l), 0);
	cr_assert(bytes_eq(
		buf_bytes(&b),
		bytes_str(
			"{\"batchItemFailures\":[{\"itemIdentifier\":\"m-1\"},{\"itemIdentifier\":\"m-2\"}]}")));
	buf_fini(&b);
}

Test(lambda_event, of_sns_and_of_s3)
{
	struct buf b;
	buf_init(&b, 1u << 16);
	buf_adds(
		&b,
		"{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{\"MessageId\":\"x\",\"Message\":");
	json_text(&b, record("ObjectCreated:Put", "bucket", "one"));
	buf_adds(&b, "}}]}");
	cr_assert_eq(lambda_event_read(buf_bytes(&b), &l), 0, "%s", l.why);
	cr_assert(!l.sqs && l.n == 1 && l.v[0].event.n == 1 && !l.v[0].id[0]);
	lambda_event_fini(&l);
	cr_assert_eq(lambda_event_read(record("ObjectCreated:Put", "bucket", "two"), &l), 0);
	cr_assert(!l.sqs && l.n == 1);
	cr_assert_str_eq(l.v[0].event.v[0].key, "two");
	buf_fini(&b);
}

Test(lambda_event, what_is_none)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[1]",
		"{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"{}\"}]}",
		"{\"Records\":[{\"eventSource\":\"aws:sqs\",\"messageId\":\"a\\\"b\"}]}",
		"{\"detail\":{}}"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_assert_eq(lambda_event_read(bytes_str(texts[i]), &l), -EBADMSG, "%s", texts[i]);
		cr_assert(l.why[0]);
		lambda_event_fini(&l);
	}
}
