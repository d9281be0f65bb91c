#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/logs_batch.h"
#include "cloud/shorten.h"

static const char *at(struct json_object *o, const char *path)
{
	struct json_object *v;
	cr_assert_eq(json_pointer_get(o, path, &v), 0, "%s", path);
	return json_object_get_string(v);
}

static struct json_object *record(size_t payload)
{
	struct json_object *o = json_tokener_parse(
		"{\"init_ts\":1.25,\"last_ts\":2,\"src_addr\":\"192.0.2.1\",\"dst_port\":80,\"s3path\":\"p\",\"payload_len\":1,\"x\":{\"y\":1}}");
	char *text = malloc(payload * 2 + 4);
	memset(text, 'A', payload / 3 * 4);
	json_object_object_add(o, "payload",
			       json_object_new_string_len(text, (int)(payload / 3 * 4)));
	memset(text, '\n', payload);
	json_object_object_add(o, "readable", json_object_new_string_len(text, (int)payload));
	free(text);
	return o;
}

Test(shorten, large_records_are_shortened)
{
	const size_t max = LOGS_EVENT_MAX - LOGS_EVENT_ADD;
	for (size_t payload = 300; payload < 3000000; payload *= 7) {
		struct json_object *o = record(payload), *short_one;
		struct buf out;
		buf_init(&out, max);
		cr_assert_eq(record_shorten(o, max, &out), 0, "%zu", payload);
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

Test(shorten, what_is_large_elsewhere_goes)
{
	struct json_object *o = record(30), *v;
	char *text = malloc(5000);
	struct buf out;
	memset(text, 'h', 5000);
	json_object_object_add(o, "http", json_object_new_string_len(text, 5000));
	buf_init(&out, 4000);
	cr_assert_eq(record_shorten(o, 1000, &out), 0);
	buf_addc(&out, '\0');
	struct json_object *few = json_tokener_parse((const char *)out.p);
	cr_assert_not(json_object_object_get_ex(few, "http", &v));
	cr_assert_str_eq(at(few, "/dst_port"), "80");
	json_object_put(few);
	json_object_object_add(o, "s3path", json_object_new_string_len(text, 5000));
	buf_reset(&out);
	cr_assert_eq(record_shorten(o, 1000, &out), -EFBIG, "and then it cannot be done");
	json_object_put(o);
	buf_fini(&out);
	free(text);
}

Test(shorten, characters_are_not_cut_in_two)
{
	struct json_object *o = record(3);
	char text[1201];
	for (int i = 0; i < 1200; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[1200] = '\0';
	json_object_object_add(o, "readable", json_object_new_string(text));
	struct buf out;
	buf_init(&out, 4000);
	cr_assert_eq(record_shorten(o, 700, &out), 0);
	buf_addc(&out, '\0');
	struct json_object *s = json_tokener_parse((const char *)out.p);
	cr_assert_eq(strlen(at(s, "/readable")) % 2, 0);
	json_object_put(s);
	json_object_put(o);
	buf_fini(&out);
}
