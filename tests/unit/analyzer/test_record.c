#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"
#include "record/memo.h"
#include "record/record_text.h"
#include "work/record_batch.h"

static char *json_of(const struct msg_analysis *m)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	cr_assert(eq(int, msg_json(&msg_analysis_schema, m, &b), 0));
	buf_addc(&b, 0);
	return (char *)b.p;
}

static char *text_of(struct buf *b)
{
	buf_addc(b, 0);
	return (char *)b->p;
}

/* The memo's rows as JSON, with the pieces and without, must be what recognition and JSON say by
 * themselves. */
static void same_as_direct(struct memo *m, const char *payload, uint16_t sport, uint16_t dport,
			   bool kept)
{
	static _Alignas(16) uint8_t arena_bytes[APP_ARENA_BYTES];
	struct msg_arena arena = {.p = arena_bytes, .n = sizeof arena_bytes};
	struct app_in in = {
		.proto = 6, .src_port = sport, .dst_port = dport, .init = bytes_str(payload)};
	struct msg_analysis rec = {0};
	const struct memo_known *k;
	char class[CLASS_TEXT];
	struct buf pieces;

	cr_assert(eq(int, memo_recognise(m, &in, NULL, &k), 0));
	cr_assert(eq(sz, k->npieces, kept ? 4 : 0));
	app_recognise(&in, &arena, &rec);
	class_of(in.init, &rec, class);
	rec.payload = in.init;
	rec.payload_class = bytes_str(class);
	rec.payload_len = in.init.n;
	rec.payload_sha256 = k->rec.payload_sha256;
	rec.readable = k->rec.readable;
	cr_assert(eq(sz, rec.readable.n, in.init.n));
	char *direct = json_of(&rec), *plain = json_of(&k->rec);
	cr_assert(eq(str, plain, direct));
	buf_init(&pieces, 1 << 20);
	rec = (struct msg_analysis){0}; /* so that all comes from the pieces */
	if (!kept)
		rec = k->rec;
	cr_assert(eq(int,
		     msg_json_pieces(&msg_analysis_schema, &rec, k->piece, k->npieces, &pieces),
		     0));
	cr_assert(eq(str, text_of(&pieces), direct));
	buf_fini(&pieces);
	free(direct);
	free(plain);
}

/* A row behind all others that differs from flow to flow, as somebody might add one. */
Test(memo, a_new_row_at_the_end_is_not_the_payloads)
{
	struct with_late {
		struct msg_analysis a;
		uint64_t late;
	} rec = {.a = {.payload = bytes_str("SSH-2.0-Go\r\n"), .app = bytes_str("ssh")}, .late = 7};
	const size_t n = msg_analysis_schema.nfields;
	struct msg_field *fields = calloc(n + 1, sizeof *fields);
	struct msg_schema schema = msg_analysis_schema;
	struct msg_piece piece[MEMO_MAX_PIECES];
	size_t row[MEMO_MAX_PIECES][2];
	struct buf text[MEMO_MAX_PIECES], whole, pieces;

	memcpy(fields, msg_analysis_schema.fields, n * sizeof *fields);
	fields[n] = (struct msg_field){.name = "late",
				       .kind = MSG_U64,
				       .offset = offsetof(struct with_late, late),
				       .name_n = 4,
				       .key = "\"late\":"};
	schema.fields = fields;
	schema.nfields = n + 1;
	size_t ranges = memo_ranges(&schema, row);
	for (size_t i = 0; i < ranges; i++) {
		buf_init(&text[i], 1 << 20);
		cr_assert(eq(int, msg_json_rows(&schema, &rec, row[i][0], row[i][1], &text[i]), 0));
		piece[i] = (struct msg_piece){
			.from = row[i][0], .to = row[i][1], .text = buf_bytes(&text[i])};
	}
	buf_init(&whole, 1 << 20);
	buf_init(&pieces, 1 << 20);
	cr_assert(eq(int, msg_json(&schema, &rec, &whole), 0));
	rec.late = 8; /* the next flow with this payload */
	cr_assert(eq(int, msg_json_pieces(&schema, &rec, piece, ranges, &pieces), 0));
	cr_assert(ne(ptr, strstr(text_of(&whole), "\"late\":7"), NULL));
	cr_assert(ne(ptr, strstr(text_of(&pieces), "\"late\":8"), NULL));
	for (size_t i = 0; i < ranges; i++)
		buf_fini(&text[i]);
	buf_fini(&whole);
	buf_fini(&pieces);
	free(fields);
}

Test(memo, says_what_recognition_says)
{
	static char long_one[4000], too_long[9000];
	static const char *const payloads[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\n\r\n",
		"SSH-2.0-Go\r\n",
		"*1\r\n$4\r\nINFO\r\n",
		"junk",
		"",
		long_one,
		too_long};
	struct memo *m;
	memset(long_one, 'a', sizeof long_one - 1);
	memset(too_long, 'a', sizeof too_long - 1);
	cr_assert(eq(int, memo_new(16 << 20, &m), 0));
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
			for (uint16_t port = 6378; port < 6381; port++)
				same_as_direct(m, payloads[i], 5000, port,
					       strlen(payloads[i]) < sizeof too_long - 1);
	memo_free(&m);
	memo_free(&m);
}

/* More than it holds: it forgets, and goes on saying the same. */
Test(memo, begins_anew_when_it_is_full)
{
	static char payload[8000];
	struct memo *m;

	cr_assert(eq(int, memo_new(16 << 20, &m), 0));
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2500; i++) {
			int n = snprintf(payload, sizeof payload, "GET /%u HTTP/1.1\r\nHost: ", i);
			memset(payload + n, 'a', sizeof payload - 1 - (size_t)n);
			same_as_direct(m, payload, 5000, 80, true);
		}
	memo_free(&m);
}

/* SHA-256 of the empty string and of "abc" (FIPS 180-2, B.1), by both ways. */
Test(memo, digest_and_readable)
{
	static char long_one[9000];
	struct memo *m;
	const struct memo_known *k;
	struct app_in in = {.proto = 6, .init = bytes_of("", 0)};

	cr_assert(eq(int, memo_new(16 << 20, &m), 0));
	cr_assert(eq(int, memo_recognise(m, &in, NULL, &k), 0));
	cr_assert(eq(str, (char *)(uintptr_t)k->sha256,
		     (char *)"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	cr_assert(not(k->classed));
	in.init = bytes_str("abc");
	cr_assert(eq(int, memo_recognise(m, &in, NULL, &k), 0));
	cr_assert(eq(str, (char *)(uintptr_t)k->sha256,
		     (char *)"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	cr_assert(k->classed);
	memcpy(long_one, "a\x1f\t\n\x0b\x0c\r ~\x7f\x80\xff\0b", 14);
	for (size_t n = 14; n < sizeof long_one; n += sizeof long_one - 15) {
		in.init = bytes_of(long_one, n);
		cr_assert(eq(int, memo_recognise(m, &in, NULL, &k), 0));
		cr_assert(eq(sz, k->rec.readable.n, n));
		cr_assert(eq(int, memcmp(k->rec.readable.p, "a.\t\n\x0b\x0c\r ~....b", 14), 0));
	}
	memo_free(&m);
}

/* By name as by content, until names are forgotten. */
Test(memo, names_stand_for_payloads)
{
	static const char *const payloads[] = {"SSH-2.0-Go\r\n", "SSH-2.0-PuTTY\r\n"};
	struct memo *m;
	const struct memo_known *k;
	int name;

	cr_assert(eq(int, memo_new(16 << 20, &m), 0));
	for (size_t i = 0; i < 2; i++) {
		struct app_in in = {.proto = 6, .init = bytes_str(payloads[i])};
		memo_forget(m);
		for (int round = 0; round < 2; round++) {
			memo_ahead(m, &in, &name, round);
			cr_assert(eq(int, memo_recognise(m, &in, &name, &k), 0));
			cr_assert(bytes_eq(k->rec.payload, in.init));
			cr_assert(eq(sz, k->rec.ssh->banner.n, in.init.n - 2));
		}
	}
	memo_free(&m);
}

Test(ecs, names_of_the_schema)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	cr_assert(eq(
		int,
		ecs_record(
			"{\"init_ts\":1700000000.123456789,\"last_ts\":1700000002.000000001,\"src_addr\":\"192.0.2.1\",\"proto\":\"tcp\",\"dst_port\":80,\"payload_sha256\":\"ab\",\"dst_addr\":\"192.0.2.2\",\"app\":\"tls\",\"tls\":{\"version\":\"tls1.3\",\"sni\":\"x\",\"ja4\":\"t13\"},\"geo\":{\"country\":\"NL\"},\"unknown\":7}",
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
		{"/network/transport", "tcp"},
		{"/network/iana_number", "6"},
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
	cr_assert(eq(int, record_text_history(RECORD_JSON, &nothing, true, &b), 0));
	cr_assert(eq(int, record_text_history(RECORD_TABLE, &all, true, &b), 0));
	cr_assert(eq(sz, b.n, 7));
	cr_assert(eq(int, record_text_history(RECORD_JSON, &all, false, &b), 0));
	buf_addc(&b, 0);
	cr_assert(eq(str, (char *)b.p, (char *)"{\"a\":1,\"two_phase\":true,\"first_seen\":true}"));
	buf_reset(&b);
	/* Of an ECS document, inside the object that comes last, empty or not. */
	static const char *const inside[] = {"", "\"a\":1,"};
	for (size_t i = 0; i < 2; i++) {
		char want[200];
		buf_reset(&b);
		buf_addf(&b, "{\"lurker\":{%.*s}}", i ? 5 : 0, inside[i]);
		cr_assert(eq(int, record_text_history(RECORD_ECS, &all, true, &b), 0));
		buf_addc(&b, 0);
		snprintf(
			want, sizeof want,
			"{\"lurker\":{%s\"tool\":\"zmap\",\"tool_reason\":\"because\",\"two_phase\":true,\"first_seen\":true}}",
			inside[i]);
		cr_assert(eq(str, (char *)b.p, want));
	}
	buf_fini(&b);
}

static int put(struct record_batch *b, const char *line, const char *body)
{
	buf_adds(&b->lines, line);
	buf_adds(&b->bodies, body);
	return record_batch_record(b);
}

Test(batch, what_is_taken_back_is_not_written)
{
	static struct record_batch b;
	record_batch_init(&b, 1 << 20);
	cr_assert(record_batch_is_empty(&b));
	cr_assert(eq(int, put(&b, "one", "1"), 0));
	record_batch_entry(&b, "key", -1, false, 0);
	struct record_batch_mark mark = record_batch_mark(&b);
	size_t lines = b.lines.n, bodies = b.bodies.n;
	cr_assert(eq(int, put(&b, "two", ""), 0));
	cr_assert(eq(sz, b.bodies.n, bodies));
	cr_assert(eq(int, put(&b, "three", "3"), 0));
	cr_assert(eq(sz, record_batch_back(&b, mark), 2));
	cr_assert(eq(sz, b.lines.n, lines));
	cr_assert(eq(sz, b.bodies.n, bodies));
	/* Too large for it: nothing of it stays. */
	static uint8_t big[2 << 20];
	buf_adds(&b.lines, "half of it");
	cr_assert(ne(int, buf_add(&b.lines, big, sizeof big), 0));
	record_batch_drop(&b);
	cr_assert(eq(sz, b.lines.n, lines));
	cr_assert(eq(sz, b.bodies.n, bodies));
	cr_assert(eq(int, put(&b, "four", "4"), 0));
	cr_assert(eq(sz, record_batch_mark(&b).records, 2));
	for (size_t i = 1; i < RECORD_BATCH_ENTRIES; i++) {
		cr_assert(not(record_batch_is_full(&b)));
		record_batch_entry(&b, "key", -1, true, 0);
	}
	cr_assert(record_batch_is_full(&b));
	record_batch_fini(&b);
}
