#include <criterion/criterion.h>
#include <errno.h>
#include <json.h>
#include <string.h>

#include "aws/sqs_text.h"

TestSuite(sqs_text);

static const char *region_of(const char *url)
{
	static char endpoint[256], region[32];
	return sqs_queue(url, endpoint, region) ? "refused" : region;
}

Test(sqs_text, urls)
{
	char endpoint[256], region[32];
	cr_assert_eq(sqs_queue("https://sqs.eu-central-1.amazonaws.com/123456789012/flows",
			       endpoint, region),
		     0);
	cr_assert_str_eq(endpoint, "https://sqs.eu-central-1.amazonaws.com/");
	cr_assert_str_eq(region, "eu-central-1");
	cr_assert_str_eq(region_of("https://sqs.cn-north-1.amazonaws.com.cn/1/q"), "cn-north-1");
	cr_assert_str_eq(region_of("https://vpce-0a1-b.sqs.us-east-2.vpce.amazonaws.com/1/q"),
			 "us-east-2");
	cr_assert_str_eq(region_of("https://us-west-2.queue.amazonaws.com/1/q"), "us-west-2");
	cr_assert_str_eq(region_of("http://127.0.0.1:9324/000000000000/q"), "");
	static const char *const wrong[] = {"",
					    "flows",
					    "https://sqs.eu-central-1.amazonaws.com",
					    "https://sqs.eu-central-1.amazonaws.com/",
					    "https:///1/q",
					    "ftp://h/1/q",
					    "https://h@x/1/q",
					    "https://h/1/q\r\nX: y",
					    "https://h/1/a b"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_str_eq(region_of(wrong[i]), "refused", "%s", wrong[i]);
}

Test(sqs_text, requests)
{
	struct buf b;
	buf_init(&b, 4096);
	cr_assert_eq(sqs_receive(&b, "https://h/1/q", 7, 60), 0);
	cr_assert(bytes_eq(
		buf_bytes(&b),
		bytes_str(
			"{\"QueueUrl\":\"https://h/1/q\",\"MaxNumberOfMessages\":7,\"WaitTimeSeconds\":20,\"VisibilityTimeout\":60,\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\"]}")));
	buf_reset(&b);
	const char *handles[] = {"a", "b\\"};
	cr_assert_eq(sqs_batch(&b, "u", handles, NULL, 2), 0);
	cr_assert(bytes_eq(
		buf_bytes(&b),
		bytes_str(
			"{\"QueueUrl\":\"u\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"a\"},{\"Id\":\"1\",\"ReceiptHandle\":\"b\\\\\"}]}")));
	buf_reset(&b);
	const unsigned seconds[] = {30, 0};
	cr_assert_eq(sqs_batch(&b, "u", handles, seconds, 1), 0);
	cr_assert(bytes_eq(
		buf_bytes(&b),
		bytes_str(
			"{\"QueueUrl\":\"u\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"a\",\"VisibilityTimeout\":30}]}")));
	buf_fini(&b);
}

static struct {
	char ids[64];
	unsigned receives, n;
} got;

static void on_message(void *arg, const struct sqs_message *m)
{
	(void)arg;
	strncat(got.ids, (const char *)m->id.p, 8);
	got.receives += m->receives;
	got.n++;
}

static int received(const char *text)
{
	memset(&got, 0, sizeof got);
	return sqs_received(bytes_str(text), 3, on_message, NULL);
}

Test(sqs_text, messages)
{
	cr_assert_eq(received("{}"), 0);
	cr_assert_eq(received("{\"Messages\":null}"), 0);
	cr_assert_eq(
		received(
			"{\"Messages\":[{\"MessageId\":\"a\",\"ReceiptHandle\":\"h+/=\",\"Body\":\"\",\"Attributes\":{\"ApproximateReceiveCount\":\"2\"}},{\"MessageId\":\"b\",\"ReceiptHandle\":\"h\",\"Body\":\"{}\"}]}"),
		0);
	cr_assert(got.n == 2 && got.receives == 2);
	cr_assert_str_eq(got.ids, "ab");
}

Test(sqs_text, messages_that_cannot_be_used)
{
	cr_assert_eq(
		received(
			"{\"Messages\":[1,{},{\"MessageId\":\"a\",\"Body\":\"b\"},{\"MessageId\":\"a\\n\",\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}"),
		4);
	cr_assert_eq(got.n, 0);
#define M "{\"MessageId\":\"a\",\"ReceiptHandle\":\"h\",\"Body\":\"b\"}"
	cr_assert_eq(received("{\"Messages\":[" M "," M "," M "," M "]}"), 1,
		     "more than were asked for");
	cr_assert_eq(got.n, 3);
	cr_assert_eq(received("<ReceiveMessageResponse/>"), -EBADMSG);
	cr_assert_eq(received("{\"Messages\":[" M), -EBADMSG);
	cr_assert_eq(received("[]"), -EBADMSG);
	cr_assert_eq(received(""), -EBADMSG);
}

static void on_failed(void *arg, size_t i, bool gone, struct bytes code)
{
	(void)code;
	((char *)arg)[i] = gone ? 'g' : 'f';
}

Test(sqs_text, failed_entries)
{
	char what[] = "....";
	cr_assert_eq(
		sqs_failed(
			bytes_str(
				"{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"},{\"Id\":\"3\",\"SenderFault\":false,\"Code\":\"InternalError\"},{\"Id\":\"4\"},{\"Id\":\"\"},{\"Id\":\"12\"},7]}"),
			4, on_failed, what),
		0);
	cr_assert_str_eq(what, ".g.f");
	cr_assert_eq(sqs_failed(bytes_str("oops"), 4, on_failed, what), -EBADMSG);
}
