#include "cloud/logs_batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/json_text.h"

#define DAY_MS    86400000
#define OLDEST_MS (14 * (int64_t)DAY_MS)
#define AHEAD_MS  (2 * (int64_t)3600000)

int logs_batch_init(struct logs_batch *b)
{
	*b = (struct logs_batch){.events = calloc(LOGS_EVENTS, sizeof *b->events)};
	buf_init(&b->text, LOGS_BYTES);
	return b->events ? 0 : -ENOMEM;
}

void logs_batch_fini(struct logs_batch *b)
{
	free(b->events);
	buf_fini(&b->text);
	*b = (struct logs_batch){0};
}

void logs_batch_clear(struct logs_batch *b)
{
	b->n = b->bytes = 0;
	buf_reset(&b->text);
}

enum logs_add logs_batch_add(struct logs_batch *b, struct bytes text, int64_t ms, int64_t now_ms)
{
	if (ms < now_ms - OLDEST_MS || ms > now_ms + AHEAD_MS || text.n == 0 ||
	    text.n > LOGS_EVENT_MAX - LOGS_EVENT_ADD)
		return LOGS_LEFT;
	int64_t min = b->n && b->min_ms < ms ? b->min_ms : ms;
	int64_t max = b->n && b->max_ms > ms ? b->max_ms : ms;
	if (b->n == LOGS_EVENTS || b->bytes + text.n + LOGS_EVENT_ADD > LOGS_BYTES ||
	    max - min >= DAY_MS)
		return LOGS_FULL;
	size_t at = b->text.n;
	if (buf_add(&b->text, text.p, text.n) != 0)
		return LOGS_FULL;
	b->events[b->n] = (struct logs_event){
		.ms = ms, .at = (uint32_t)at, .n = (uint32_t)text.n, .order = (uint32_t)b->n};
	b->n++;
	b->bytes += text.n + LOGS_EVENT_ADD;
	b->min_ms = min;
	b->max_ms = max;
	return LOGS_TAKEN;
}

static int event_order(const void *x, const void *y)
{
	const struct logs_event *a = x, *b = y;
	if (a->ms != b->ms)
		return a->ms < b->ms ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

int logs_batch_body(struct logs_batch *b, const char *group, const char *stream, struct buf *out)
{
	qsort(b->events, b->n, sizeof *b->events, event_order);
	buf_adds(out, "{\"logGroupName\":");
	json_text(out, bytes_str(group));
	buf_adds(out, ",\"logStreamName\":");
	json_text(out, bytes_str(stream));
	buf_adds(out, ",\"logEvents\":[");
	for (size_t i = 0; i < b->n; i++) {
		const struct logs_event *e = &b->events[i];
		buf_addf(out, "%s{\"timestamp\":%" PRId64 ",\"message\":", i ? "," : "", e->ms);
		json_text(out, bytes_of(b->text.p + e->at, e->n));
		buf_addc(out, '}');
	}
	return buf_adds(out, "]}");
}

static int put(struct json_object *record, size_t max, struct buf *out)
{
	size_t n;
	const char *text = json_object_to_json_string_length(
		record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	return !text || n > max ? -EFBIG : buf_add(out, text, n);
}

/* Sets key to the first n bytes of text, which may be NULL; within a character of UTF-8 to fewer. */
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

/* Keeps as many of the flow's bytes as fit, in groups of three, which are four characters of base64. */
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

int logs_shorten(struct json_object *record, size_t max, struct buf *out)
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
