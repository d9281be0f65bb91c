#include "cloud/logs_batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/json_read.h"
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

size_t logs_batch_rejected(const struct logs_batch *b, struct bytes body)
{
	static const char *const keys[] = {"tooOldLogEventEndIndex", "expiredLogEventEndIndex"};
	struct json_object *o = json_read(body, 8, 1u << 20), *v;
	struct json_object *info = json_get(o, "rejectedLogEventsInfo", json_type_object);
	int64_t n = (int64_t)b->n, old = 0, from = n, at;
	for (size_t i = 0; info && i < 2; i++)
		if (json_object_object_get_ex(info, keys[i], &v) &&
		    (at = json_object_get_int64(v)) > old && at <= n)
			old = at;
	if (info && json_object_object_get_ex(info, "tooNewLogEventStartIndex", &v) &&
	    (at = json_object_get_int64(v)) >= 0 && at < n)
		from = at;
	json_object_put(o);
	return (size_t)(from < old ? n : old + n - from);
}
