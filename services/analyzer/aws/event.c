#include "aws/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/json_read.h"
#include "cloud/s3_name.h"
#include "proto/utf8.h"

#define DEPTH 16
/* SNS in SQS in Lambda. */
#define WRAPS_MAX 3
/* Lambda takes 6 MB. */
#define LAMBDA_BYTES_MAX (8u << 20)

static int bad(struct event *e, const char *why)
{
	snprintf(e->why, sizeof e->why, "%s", why);
	return -EBADMSG;
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* A component "." or ".." would be taken for a path and lead to another object. */
static bool dots(const char *key)
{
	for (const char *p = key; p; p = strchr(p, '/')) {
		p += *p == '/';
		size_t n = strcspn(p, "/");
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
	}
	return false;
}

/* decode: the key as it is. NULL, or what is wrong with it. */
static const char *decode(struct bytes text, char out[EVENT_KEY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text.n ? hex(text.p[i + 1]) : -1;
			int low = high >= 0 ? hex(text.p[i + 2]) : -1;
			if (low < 0)
				return "the key is not encoded as S3 does it";
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (n == EVENT_KEY_MAX - 1)
			return "the key is too long";
		if (!c)
			return "the key has a NUL";
		out[n++] = (char)c;
	}
	out[n] = '\0';
	if (!n)
		return "the key is empty";
	if (utf8_good((const uint8_t *)out, n) != n)
		return "the key is not UTF-8";
	return dots(out) ? "the key has a component . or .." : NULL;
}

static int add(struct event *e, struct bytes bucket, struct bytes key)
{
	if (e->n == EVENT_OBJECTS_MAX)
		return bad(e, "it names too many objects");
	if (!(e->n & (e->n - 1))) {
		size_t cap = e->n ? e->n * 2 : 1;
		struct event_object *v = realloc(e->v, cap * sizeof *v);
		if (!v)
			return -ENOMEM;
		e->v = v;
	}
	struct event_object *o = &e->v[e->n];
	if (bucket.n >= sizeof o->bucket || memchr(bucket.p, 0, bucket.n))
		return bad(e, "it names no bucket");
	memcpy(o->bucket, bucket.p, bucket.n);
	o->bucket[bucket.n] = '\0';
	if (!s3_bucket_valid(o->bucket))
		return bad(e, "it names no bucket");
	const char *why = decode(key, o->key);
	if (why)
		return bad(e, why);
	e->n++;
	return 0;
}

static bool begins(struct bytes text, const char *with)
{
	return text.n >= strlen(with) && memcmp(text.p, with, strlen(with)) == 0;
}

static int take_text(struct event *e, struct bytes text, unsigned wraps);

static int take_record(struct event *e, struct json_object *r, unsigned wraps)
{
	struct json_object *sns = json_get(r, "Sns", json_type_object);
	struct json_object *s3 = json_get(r, "s3", json_type_object);
	struct bytes name = json_bytes(r, "eventName");

	if (sns)
		return take_text(e, json_bytes(sns, "Message"), wraps + 1);
	if (!s3)
		return bad(e, "a record without s3");
	/* Other services than AWS write s3:ObjectCreated:… */
	if (begins(name, "s3:"))
		name = bytes_of(name.p + 3, name.n - 3);
	if (name.n && !begins(name, "ObjectCreated:")) {
		e->others++;
		return 0;
	}
	struct bytes bucket = json_bytes(json_get(s3, "bucket", json_type_object), "name");
	struct bytes key = json_bytes(json_get(s3, "object", json_type_object), "key");
	if (!bucket.p || !key.p)
		return bad(e, "a record without bucket or key");
	return add(e, bucket, key);
}

static int take(struct event *e, struct json_object *o, unsigned wraps)
{
	struct json_object *records = json_get(o, "Records", json_type_array);
	int rc = 0;

	if (bytes_eq(json_bytes(o, "Event"), bytes_str("s3:TestEvent"))) {
		e->tests++;
		return 0;
	}
	if (bytes_eq(json_bytes(o, "Type"), bytes_str("Notification")))
		return take_text(e, json_bytes(o, "Message"), wraps + 1);
	if (!records)
		return bad(e, "it is no event of S3");
	for (size_t i = 0; !rc && i < json_object_array_length(records); i++)
		rc = take_record(e, json_object_array_get_idx(records, i), wraps);
	return rc;
}

static int take_text(struct event *e, struct bytes text, unsigned wraps)
{
	if (wraps > WRAPS_MAX)
		return bad(e, "it is wrapped too often");
	struct json_object *o = json_read(text, DEPTH, EVENT_BYTES_MAX);
	int rc = json_object_is_type(o, json_type_object) ? take(e, o, wraps)
							  : bad(e, "it is no JSON object");
	json_object_put(o);
	return rc;
}

int event_read(struct bytes text, struct event *out)
{
	*out = (struct event){0};
	return take_text(out, text, 0);
}

void event_fini(struct event *e)
{
	free(e->v);
	*e = (struct event){0};
}

static bool of_sqs(struct json_object *record)
{
	return bytes_eq(json_bytes(record, "eventSource"), bytes_str("aws:sqs"));
}

/* An item of an SQS message. An id that cannot be told to Lambda again makes the whole event bad:
 * its failure would go unsaid. */
static int take_message(struct lambda_item *item, struct json_object *r)
{
	struct bytes id = json_bytes(r, "messageId");
	struct bytes count =
		json_bytes(json_get(r, "attributes", json_type_object), "ApproximateReceiveCount");

	if (!id.n || id.n >= sizeof item->id)
		return -EBADMSG;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '"' || id.p[i] == '\\')
			return -EBADMSG;
	memcpy(item->id, id.p, id.n);
	if (count.n && count.n < 10)
		item->receives = (unsigned)strtoul((const char *)count.p, NULL, 10);
	item->rc = event_read(json_bytes(r, "body"), &item->event);
	return item->rc == -ENOMEM ? -ENOMEM : 0;
}

static int take_batch(struct lambda_event *e, struct json_object *records)
{
	size_t n = json_object_array_length(records);
	int rc = 0;

	e->sqs = true;
	if (n > LAMBDA_ITEMS_MAX)
		return -EBADMSG;
	e->v = calloc(n, sizeof *e->v);
	if (!e->v)
		return -ENOMEM;
	for (; !rc && e->n < n; e->n++)
		rc = take_message(&e->v[e->n], json_object_array_get_idx(records, e->n));
	return rc;
}

static int take_one(struct lambda_event *e, struct json_object *o)
{
	e->v = calloc(1, sizeof *e->v);
	if (!e->v)
		return -ENOMEM;
	e->n = 1;
	e->v->rc = take(&e->v->event, o, 0);
	if (e->v->rc == -EBADMSG)
		snprintf(e->why, sizeof e->why, "%s", e->v->event.why);
	return e->v->rc;
}

int lambda_event_read(struct bytes text, struct lambda_event *out)
{
	*out = (struct lambda_event){0};
	struct json_object *o = json_read(text, DEPTH, LAMBDA_BYTES_MAX);
	struct json_object *records = json_get(o, "Records", json_type_array);
	bool sqs = records && json_object_array_length(records) &&
		   of_sqs(json_object_array_get_idx(records, 0));
	int rc = !o ? -EBADMSG : sqs ? take_batch(out, records) : take_one(out, o);
	json_object_put(o);
	if (rc == -EBADMSG && !out->why[0])
		snprintf(out->why, sizeof out->why, "it is no event of S3, SNS or SQS");
	return rc;
}

void lambda_event_fini(struct lambda_event *e)
{
	for (size_t i = 0; i < e->n; i++)
		event_fini(&e->v[i].event);
	free(e->v);
	*e = (struct lambda_event){0};
}

int lambda_response(struct buf *out, const struct lambda_event *e)
{
	const char *comma = "";

	if (!e->sqs)
		return buf_adds(out, "{}");
	buf_adds(out, "{\"batchItemFailures\":[");
	for (size_t i = 0; i < e->n; i++) {
		if (!e->v[i].failed)
			continue;
		buf_addf(out, "%s{\"itemIdentifier\":\"%s\"}", comma, e->v[i].id);
		comma = ",";
	}
	return buf_adds(out, "]}");
}
