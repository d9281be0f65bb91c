#include <criterion/criterion.h>
#include <errno.h>
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

static struct json_object *record(size_t payload)
{
	struct json_object *o = json_tokener_parse("{\"init_ts\":1.25,\"last_ts\":2,\"src_addr\":"
						   "\"192.0.2.1\",\"dst_port\":80,\"s3path\":\"p\","
						   "\"payload_len\":1,\"x\":{\"y\":1}}");
	char *text = malloc(payload * 2 + 4);
	memset(text, 'A', payload / 3 * 4);
	json_object_object_add(o, "payload",
			       json_object_new_string_len(text, (int)(payload / 3 * 4)));
	memset(text, '\n', payload);
	json_object_object_add(o, "readable", json_object_new_string_len(text, (int)payload));
	free(text);
	return o;
}

Test(logs_batch, large_records_are_shortened)
{
	const size_t max = LOGS_EVENT_MAX - LOGS_EVENT_ADD;
	for (size_t payload = 300; payload < 3000000; payload *= 7) {
		struct json_object *o = record(payload), *short_one;
		struct buf out;
		buf_init(&out, max);
		cr_assert_eq(logs_shorten(o, max, &out), 0, "%zu", payload);
		cr_assert(out.n <= max);
		struct json_tokener *t = json_tokener_new();
		short_one = json_tokener_parse_ex(t, (const char *)out.p, (int)out.n);
		cr_assert(short_one);
		cr_assert_str_eq(at(short_one, "/forwarder"), "shortened");
		cr_assert_str_eq(at(short_one, "/src_addr"), "192.0.2.1");
		size_t kept = strlen(at(short_one, "/payload")),
		       seen = strlen(at(short_one, "/readable"));
		cr_assert_eq(kept % 4, 0, "whole groups of base64");
		cr_assert_eq(kept / 4 * 3, seen, "the same bytes in both");
		cr_assert(payload > max / 4 ? kept > max / 10 : seen == payload, "%zu of %zu", seen,
			  payload);
		json_tokener_free(t);
		json_object_put(short_one);
		json_object_put(o);
		buf_fini(&out);
	}
}

Test(logs_batch, what_is_large_elsewhere_goes)
{
	struct json_object *o = record(30), *v;
	char *text = malloc(5000);
	struct buf out;
	memset(text, 'h', 5000);
	json_object_object_add(o, "http", json_object_new_string_len(text, 5000));
	buf_init(&out, 4000);
	cr_assert_eq(logs_shorten(o, 1000, &out), 0);
	buf_addc(&out, '\0');
	struct json_object *few = json_tokener_parse((const char *)out.p);
	cr_assert_not(json_object_object_get_ex(few, "http", &v));
	cr_assert_str_eq(at(few, "/dst_port"), "80");
	json_object_put(few);
	json_object_object_add(o, "s3path", json_object_new_string_len(text, 5000));
	buf_reset(&out);
	cr_assert_eq(logs_shorten(o, 1000, &out), -EFBIG, "and then it cannot be done");
	json_object_put(o);
	buf_fini(&out);
	free(text);
}

Test(logs_batch, characters_are_not_cut_in_two)
{
	struct json_object *o = record(3);
	char text[1201];
	for (int i = 0; i < 1200; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[1200] = '\0';
	json_object_object_add(o, "readable", json_object_new_string(text));
	struct buf out;
	buf_init(&out, 4000);
	cr_assert_eq(logs_shorten(o, 700, &out), 0);
	buf_addc(&out, '\0');
	struct json_object *s = json_tokener_parse((const char *)out.p);
	cr_assert_eq(strlen(at(s, "/readable")) % 2, 0);
	json_object_put(s);
	json_object_put(o);
	buf_fini(&out);
}
