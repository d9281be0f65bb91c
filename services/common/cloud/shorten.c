#include "cloud/shorten.h"

#include <errno.h>

#include "cloud/json_read.h"

/* Of a record's text. */
#define RECORD_DEPTH 32
#define RECORD_MAX   (64u << 20)

static int put(struct json_object *record, size_t max, struct buf *out)
{
	size_t n;
	const char *text = json_object_to_json_string_length(
		record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	return !text || n > max ? -EFBIG : buf_add(out, text, n);
}

/* Sets key to the first n bytes of text, which may be NULL; within a character of UTF-8 to
 * fewer. */
static void cut(struct json_object *record, const char *key, struct json_object *text, size_t n)
{
	if (!text)
		return;
	const char *p = json_object_get_string(text);
	size_t len = (size_t)json_object_get_string_len(text);
	if (n > len)
		n = len;
	while (n && n < len && ((uint8_t)p[n] & 0xc0) == 0x80)
		n--;
	json_object_object_add(record, key, json_object_new_string_len(p, (int)n));
}

/* Another reference to a text of the record, or NULL. */
static struct json_object *text_of(struct json_object *record, const char *key)
{
	struct json_object *v;
	if (!json_object_object_get_ex(record, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get(v);
}

/* Keeps as many of the flow's bytes as fit, in groups of three, which are four characters of
 * base64. */
static int cut_payload(struct json_object *record, size_t max, struct buf *out)
{
	struct json_object *payload = text_of(record, "payload"),
			   *readable = text_of(record, "readable");
	size_t low = 0, high = max / 3; /* low fits, as far as known; high does not */
	int rc = -EFBIG;
	buf_reset(out);
	while (low + 1 < high) {
		size_t groups = (low + high) / 2;
		cut(record, "payload", payload, groups * 4);
		cut(record, "readable", readable, groups * 3);
		buf_reset(out);
		if (put(record, max, out) == 0) {
			low = groups;
			rc = 0;
		} else {
			high = groups;
		}
	}
	/* The last trial need not have been the one that fits best. */
	if (!rc) {
		cut(record, "payload", payload, low * 4);
		cut(record, "readable", readable, low * 3);
		buf_reset(out);
		rc = put(record, max, out);
	}
	json_object_put(payload);
	json_object_put(readable);
	return rc;
}

int record_shorten(struct json_object *record, size_t max, struct buf *out)
{
	static const char *const kept[] = {"init_ts", "last_ts",     "src_addr",       "dst_port",
					   "payload", "readable",    "s3path",         "sensor",
					   "flow_id", "payload_len", "payload_sha256", "forwarder"};
	json_object_object_add(record, "forwarder", json_object_new_string("shortened"));
	if (cut_payload(record, max, out) == 0)
		return 0;
	struct json_object *few = json_object_new_object(), *v;
	for (size_t i = 0; few && i < sizeof kept / sizeof *kept; i++)
		if (json_object_object_get_ex(record, kept[i], &v))
			json_object_object_add(few, kept[i], json_object_get(v));
	int rc = few ? cut_payload(few, max, out) : -ENOMEM;
	json_object_put(few);
	return rc;
}

int record_shorten_text(struct bytes text, size_t max, struct buf *out)
{
	struct json_object *record = json_read(text, RECORD_DEPTH, RECORD_MAX);
	int rc = record ? record_shorten(record, max, out) : -EFBIG;
	json_object_put(record);
	return rc;
}
