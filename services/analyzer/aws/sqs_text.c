#include "aws/sqs_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/json_read.h"
#include "cloud/json_text.h"

#define DEPTH 8

/* sqs.REGION.amazonaws.com, …sqs.REGION.vpce.amazonaws.com, or the old
 * REGION.queue.amazonaws.com. */
static void find_region(const char *host, char region[32])
{
	const char *from = strstr(host, "sqs."), *old = strstr(host, ".queue.amazonaws.com");
	size_t n = 0;

	if (from && (from == host || from[-1] == '.' || from[-1] == '-') &&
	    strstr(from, ".amazonaws.com")) {
		from += 4;
		n = strcspn(from, ".");
	} else if (old) {
		from = host;
		n = (size_t)(old - host);
	}
	if (n >= 32 || (n && strspn(from, "abcdefghijklmnopqrstuvwxyz0123456789-") < n))
		n = 0;
	if (n)
		memcpy(region, from, n);
	region[n] = '\0';
}

int sqs_queue(const char *url, char endpoint[256], char region[32])
{
	static const char host_chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
	size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
			: strncmp(url, "http://", 7) == 0 ? 7
							  : 0;
	size_t host = scheme ? strspn(url + scheme, host_chars) : 0;
	const char *path = url + scheme + host;

	if (!host || *path != '/' || !path[1] || scheme + host + 2 > 256)
		return -EINVAL;
	for (const char *p = path; *p; p++)
		if (*p <= ' ' || *p > '~')
			return -EINVAL;
	snprintf(endpoint, 256, "%.*s/", (int)(scheme + host), url);
	char text[256];
	snprintf(text, sizeof text, "%.*s", (int)host, url + scheme);
	find_region(text, region);
	return 0;
}

static void begin(struct buf *out, const char *url)
{
	buf_adds(out, "{\"QueueUrl\":");
	json_text(out, bytes_str(url));
}

int sqs_receive(struct buf *out, const char *url, unsigned max, unsigned visibility_s)
{
	begin(out, url);
	return buf_addf(
		out,
		",\"MaxNumberOfMessages\":%u,\"WaitTimeSeconds\":%u,\"VisibilityTimeout\":%u,\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\"]}",
		max, SQS_WAIT_S, visibility_s);
}

int sqs_batch(struct buf *out, const char *url, const char *const *handles,
	      const unsigned *visibility_s, size_t n)
{
	begin(out, url);
	buf_adds(out, ",\"Entries\":[");
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "%s{\"Id\":\"%zu\",\"ReceiptHandle\":", i ? "," : "", i);
		json_text(out, bytes_str(handles[i]));
		if (visibility_s)
			buf_addf(out, ",\"VisibilityTimeout\":%u", visibility_s[i]);
		buf_addc(out, '}');
	}
	return buf_adds(out, "]}");
}

static bool printable(struct bytes b, size_t max)
{
	if (!b.n || b.n >= max)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < ' ' || b.p[i] > '~' || b.p[i] == '"')
			return false;
	return true;
}

static unsigned count_of(struct json_object *m)
{
	struct json_object *attributes = json_get(m, "Attributes", json_type_object);
	struct bytes text = json_bytes(attributes, "ApproximateReceiveCount");

	return text.n && text.n < 10 ? (unsigned)strtoul((const char *)text.p, NULL, 10) : 0;
}

int sqs_received(struct bytes response, size_t max, sqs_message_fn fn, void *arg)
{
	struct json_object *o = json_read(response, DEPTH, SQS_RESPONSE_MAX);
	struct json_object *list = json_get(o, "Messages", json_type_array);
	int unusable = json_object_is_type(o, json_type_object) ? 0 : -EBADMSG;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *m = json_object_array_get_idx(list, i);
		struct sqs_message one = {.id = json_bytes(m, "MessageId"),
					  .handle = json_bytes(m, "ReceiptHandle"),
					  .body = json_bytes(m, "Body"),
					  .receives = count_of(m)};
		if (i < max && one.body.p && printable(one.id, SQS_ID_MAX) &&
		    printable(one.handle, SQS_HANDLE_MAX))
			fn(arg, &one);
		else
			unusable++;
	}
	json_object_put(o);
	return unusable;
}

int sqs_failed(struct bytes response, size_t n, sqs_failed_fn fn, void *arg)
{
	struct json_object *o = json_read(response, DEPTH, SQS_RESPONSE_MAX);
	struct json_object *list = json_get(o, "Failed", json_type_array);
	int rc = json_object_is_type(o, json_type_object) ? 0 : -EBADMSG;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		struct bytes id = json_bytes(e, "Id");
		if (id.n != 1 || id.p[0] < '0' || (size_t)(id.p[0] - '0') >= n)
			continue;
		fn(arg, (size_t)(id.p[0] - '0'),
		   json_object_get_boolean(json_get(e, "SenderFault", json_type_boolean)),
		   json_bytes(e, "Code"));
	}
	json_object_put(o);
	return rc;
}
