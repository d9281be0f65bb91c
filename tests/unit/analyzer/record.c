#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "memo.h"
#include "out.h"
#include "proto/codec.h"

static char *json_of(const struct msg_analysis *m)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	cr_assert(eq(int, msg_json(&msg_analysis_schema, m, &b), 0));
	buf_addc(&b, 0);
	return (char *)b.p;
}

static char *recognised(struct memo *m, const char *payload, uint16_t sport, uint16_t dport,
			const char *digest)
{
	static _Alignas(16) uint8_t arena_bytes[APP_ARENA_BYTES];
	struct msg_arena arena = {.p = arena_bytes, .n = sizeof arena_bytes};
	struct app_in in = {
		.proto = 6, .src_port = sport, .dst_port = dport, .init = bytes_str(payload)};
	struct msg_analysis rec = {0};
	char class[CLASS_TEXT], sha256[65] = "";
	memset(sha256, '0', 64);
	memcpy(sha256, digest, strlen(digest));
	if (m) {
		memo_recognise(m, &in, sha256, &arena, &rec, class);
	} else {
		app_recognise(&in, &arena, &rec);
		class_of(in.init, &rec, class);
	}
	rec.payload_class = bytes_str(class);
	return json_of(&rec);
}

Test(memo, says_what_recognition_says)
{
	static char long_one[4000];
	static const char *const payloads[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\n\r\n", "SSH-2.0-Go\r\n",
		"*1\r\n$4\r\nINFO\r\n", "junk", long_one};
	struct memo *m;
	memset(long_one, 'a', sizeof long_one - 1);
	cr_assert(eq(int, memo_new(&m), 0));
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < 5; i++)
			for (uint16_t port = 6378; port < 6381; port++) {
				char digest[2] = {(char)('a' + i), 0};
				char *direct = recognised(NULL, payloads[i], 5000, port, digest);
				char *kept = recognised(m, payloads[i], 5000, port, digest);
				cr_assert(eq(str, kept, direct));
				free(direct);
				free(kept);
			}
	memo_free(&m);
	memo_free(&m);
}

/* More than it holds: it forgets, and goes on saying the same. */
Test(memo, begins_anew_when_it_is_full)
{
	static char payload[8000];
	struct memo *m;

	cr_assert(eq(int, memo_new(&m), 0));
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2500; i++) {
			char digest[9];
			int n = snprintf(payload, sizeof payload, "GET /%u HTTP/1.1\r\nHost: ", i);
			memset(payload + n, 'a', sizeof payload - 1 - (size_t)n);
			snprintf(digest, sizeof digest, "%08x", i * 2654435761u);
			char *kept = recognised(m, payload, 5000, 80, digest);
			if (i % 100 == 0) {
				char *direct = recognised(NULL, payload, 5000, 80, digest);
				cr_assert(eq(str, kept, direct));
				free(direct);
			}
			free(kept);
		}
	memo_free(&m);
}

Test(ecs, names_of_the_schema)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	cr_assert(eq(int,
		     ecs_record("{\"init_ts\":1700000000.123456789,\"last_ts\":1700000002."
				"000000001,\"src_addr\":\"192.0.2.1\","
				"\"dst_port\":80,\"payload_sha256\":\"ab\",\"dst_addr\":\"192.0.2."
				"2\",\"app\":\"tls\","
				"\"tls\":{\"version\":\"tls1.3\",\"sni\":\"x\",\"ja4\":\"t13\"},"
				"\"geo\":{\"country\":\"NL\"},"
				"\"unknown\":7}",
				&b),
		     0));
	buf_addc(&b, 0);
	struct json_object *o = json_tokener_parse((char *)b.p), *v;
	static const struct {
		const char *pointer, *text;
	} want[] = {
		{"/@timestamp", "2023-11-14T22:13:20.123456789Z"},
		{"/event/duration", "1876543212"},
		{"/source/ip", "192.0.2.1"},
		{"/destination/port", "80"},
		{"/network/protocol", "tls"},
		{"/tls/version", "1.3"},
		{"/tls/version_protocol", "tls"},
		{"/tls/client/server_name", "x"},
		{"/lurker/tls/ja4", "t13"},
		{"/source/geo/country_iso_code", "NL"},
		{"/related/ip/1", "192.0.2.2"},
		{"/related/hash/0", "ab"},
		{"/lurker/unknown", "7"},
	};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		cr_assert(eq(int, json_pointer_get(o, want[i].pointer, &v), 0), "%s",
			  want[i].pointer);
		cr_assert(eq(str, (char *)(uintptr_t)json_object_get_string(v),
			     (char *)(uintptr_t)want[i].text));
	}
	cr_assert(ne(int, json_pointer_get(o, "/lurker/geo", &v), 0)); /* all of it has names */
	json_object_put(o);
	cr_assert(eq(int, ecs_record("{broken", &b), -22));
	buf_fini(&b);
}

Test(out, history_completes_the_line)
{
	struct buf b;
	struct history_out nothing = {0}, all = {.first_seen = true,
						 .two_phase = true,
						 .tool = {"zmap", "because"}};
	buf_init(&b, 1000);
	buf_adds(&b, "{\"a\":1}");
	cr_assert(eq(int, out_history(OUT_JSON, &nothing, true, &b), 0));
	cr_assert(eq(int, out_history(OUT_TABLE, &all, true, &b), 0));
	cr_assert(eq(sz, b.n, 7));
	cr_assert(eq(int, out_history(OUT_JSON, &all, false, &b), 0));
	buf_addc(&b, 0);
	cr_assert(eq(str, (char *)b.p, (char *)"{\"a\":1,\"two_phase\":true,\"first_seen\":true}"));
	buf_reset(&b);
	buf_adds(&b, "{\"a\":1}");
	cr_assert(eq(int, out_history(OUT_ECS, &all, true, &b), 0));
	buf_addc(&b, 0);
	cr_assert(eq(str, (char *)b.p,
		     (char *)"{\"a\":1,\"lurker.tool\":\"zmap\",\"lurker.tool_reason\":\"because\","
			     "\"lurker.two_phase\":true,"
			     "\"lurker.first_seen\":true}"));
	buf_fini(&b);
}

Test(batch, what_is_taken_back_is_not_written)
{
	static struct batch b;
	batch_init(&b, 1 << 20);
	cr_assert(batch_is_empty(&b));
	cr_assert(eq(int, batch_record(&b, bytes_str("one"), bytes_str("1")), 0));
	batch_entry(&b, "key", false);
	struct batch_mark mark = batch_mark(&b);
	size_t lines = b.lines.n, bodies = b.bodies.n;
	cr_assert(eq(int, batch_record(&b, bytes_str("two"), (struct bytes){0}), 0));
	cr_assert(eq(sz, b.bodies.n, bodies));
	cr_assert(eq(int, batch_record(&b, bytes_str("three"), bytes_str("3")), 0));
	batch_back(&b, mark);
	cr_assert(eq(sz, b.lines.n, lines));
	cr_assert(eq(sz, b.bodies.n, bodies));
	/* Too large for it: nothing of it stays. */
	static uint8_t big[2 << 20];
	cr_assert(ne(int, batch_record(&b, bytes_of(big, sizeof big), bytes_str("x")), 0));
	cr_assert(eq(sz, b.lines.n, lines));
	cr_assert(eq(sz, b.bodies.n, bodies));
	cr_assert(eq(int, batch_record(&b, bytes_str("four"), bytes_str("4")), 0));
	for (size_t i = 1; i < BATCH_ENTRIES; i++) {
		cr_assert(not(batch_is_full(&b)));
		batch_entry(&b, "key", true);
	}
	cr_assert(batch_is_full(&b));
	batch_fini(&b);
}
