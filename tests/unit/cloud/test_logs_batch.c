#include <criterion/criterion.h>
#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/logs_batch.h"

static struct logs_batch b;
static const int64_t now = 1767312000000;

static void begin(void)
{
	cr_assert_eq(logs_batch_init(&b), 0);
}

static void end(void)
{
	logs_batch_fini(&b);
}

TestSuite(logs_batch, .init = begin, .fini = end);

static enum logs_add add(size_t n, int64_t ms)
{
	char *text = malloc(n + 1);
	memset(text, 'x', n);
	enum logs_add r = logs_batch_add(&b, bytes_of(text, n), ms, now);
	free(text);
	return r;
}

Test(logs_batch, ten_thousand_events)
{
	for (int i = 0; i < LOGS_EVENTS; i++)
		cr_assert_eq(add(1, now), LOGS_TAKEN);
	cr_assert_eq(add(1, now), LOGS_FULL);
	logs_batch_clear(&b);
	cr_assert_eq(add(1, now), LOGS_TAKEN);
}

Test(logs_batch, a_mebibyte_with_26_bytes_an_event)
{
	for (int i = 0; i < 4; i++)
		cr_assert_eq(add(LOGS_EVENT_MAX - LOGS_EVENT_ADD, now), LOGS_TAKEN);
	cr_assert_eq(b.bytes, LOGS_BYTES);
	cr_assert_eq(add(1, now), LOGS_FULL);
	logs_batch_clear(&b);
	for (int i = 0; i < 1021; i++)
		cr_assert_eq(add(1000, now), LOGS_TAKEN);
	cr_assert_eq(add(1005, now), LOGS_FULL);
	cr_assert_eq(add(1004, now), LOGS_TAKEN, "exactly");
}

Test(logs_batch, an_event_of_its_own_limit)
{
	cr_assert_eq(add(LOGS_EVENT_MAX - LOGS_EVENT_ADD + 1, now), LOGS_LEFT);
	cr_assert_eq(add(0, now), LOGS_LEFT);
}

Test(logs_batch, times)
{
	const int64_t hour = 3600000, day = 24 * hour;
	cr_assert_eq(add(1, now - 14 * day - 1), LOGS_LEFT);
	cr_assert_eq(add(1, now + 2 * hour + 1), LOGS_LEFT);
	cr_assert_eq(add(1, now - 14 * day), LOGS_TAKEN);
	cr_assert_eq(add(1, now), LOGS_FULL, "more than a day apart");
	cr_assert_eq(add(1, now - 13 * day), LOGS_FULL, "a day apart");
	cr_assert_eq(add(1, now - 13 * day - 1), LOGS_TAKEN);
	logs_batch_clear(&b);
	cr_assert_eq(add(1, now + 2 * hour), LOGS_TAKEN);
	cr_assert_eq(add(1, now - 22 * hour), LOGS_FULL);
	cr_assert_eq(add(1, now - 22 * hour + 1), LOGS_TAKEN);
}

static struct json_object *body(void)
{
	struct buf out;
	buf_init(&out, 8u << 20);
	cr_assert_eq(logs_batch_body(&b, "/honeypot/\"x\"", "s", &out), 0);
	buf_addc(&out, '\0');
	struct json_object *o = json_tokener_parse((const char *)out.p);
	cr_assert(o, "%s", (const char *)out.p);
	buf_fini(&out);
	return o;
}

static const char *at(struct json_object *o, const char *path)
{
	struct json_object *v;
	cr_assert_eq(json_pointer_get(o, path, &v), 0, "%s", path);
	return json_object_get_string(v);
}

Test(logs_batch, the_body_is_in_order_of_time)
{
	logs_batch_add(&b, bytes_str("{\"a\":\"\\\\ \\n\"}"), now + 2000, now);
	logs_batch_add(&b, bytes_str("first"), now + 1000, now);
	logs_batch_add(&b, bytes_str("second"), now + 1000, now);
	logs_batch_add(&b, bytes_of("\x01\t\x1f", 3), now + 3000, now);
	struct json_object *o = body();
	cr_assert_str_eq(at(o, "/logGroupName"), "/honeypot/\"x\"");
	cr_assert_str_eq(at(o, "/logStreamName"), "s");
	cr_assert_str_eq(at(o, "/logEvents/0/message"), "first");
	cr_assert_str_eq(at(o, "/logEvents/1/message"), "second");
	cr_assert_str_eq(at(o, "/logEvents/0/timestamp"), "1767312001000");
	cr_assert_str_eq(at(o, "/logEvents/2/message"), "{\"a\":\"\\\\ \\n\"}");
	cr_assert_str_eq(at(o, "/logEvents/3/message"), "\x01\t\x1f");
	json_object_put(o);
}
