#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <openssl/evp.h>

#include "proto/base64.h"
#include "proto/codec.h"

static struct buf out;

static void setup(void)
{
	buf_init(&out, 16 << 20);
}

static void fini(void)
{
	buf_fini(&out);
}

TestSuite(json, .init = setup, .fini = fini);

#define BYTES(text) bytes_of(text, sizeof(text) - 1)

static void expect(const struct msg_schema *s, const void *m, const char *want)
{
	buf_reset(&out);
	cr_assert_eq(msg_json(s, m, &out), 0);
	buf_addc(&out, '\0');
	cr_assert_str_eq((char *)out.p, want);
	struct json_object *o = json_tokener_parse((char *)out.p);
	cr_assert_not_null(o, "%s", want);
	json_object_put(o);
}

static void expect_str(struct bytes s, const char *want)
{
	char all[256];
	snprintf(all, sizeof all, "{\"name\":\"\",\"value\":\"%s\"}", want);
	expect(&msg_header_schema, &(struct msg_header){.value = s}, all);
}

Test(json, strings)
{
	expect_str(BYTES("plain"), "plain");
	expect_str(BYTES("a\"b\\c/d"), "a\\\"b\\\\c/d");
	expect_str(BYTES("\b\f\n\r\t\x01\x1f"), "\\b\\f\\n\\r\\t\\u0001\\u001f");
	expect_str(BYTES("a\0b"), "a\\u0000b");
	expect_str(BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
		   "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	expect_str(BYTES("\x7f\xc2\x80\xc2\x9f\xc2\xa0"), "\\u007f\\u0080\\u009f\xc2\xa0");
	/* Text that a terminal or a browser would show in another order, or not at all. */
	expect_str(BYTES("a\xe2\x80\xaetxt.exe\xe2\x81\xa9"), "a\\u202etxt.exe\\u2069");
	expect_str(BYTES("\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf"), "\\u2028\\u2029\\ufeff");
	expect_str(BYTES("x\xf3\xa0\x81\xa1"), "x\\udb40\\udc61");
	expect_str(BYTES("\xf0\x9f\x98\x80 \xd7\x90"), "\xf0\x9f\x98\x80 \xd7\x90");
	expect_str(BYTES("\xff"
			 "a\xc3"),
		   ".a.");
	expect_str(BYTES("\xed\xa0\x80"), "...");
}

/* Strings are looked at eight bytes at a time: every byte at every place of a word. */
Test(json, every_byte_at_every_place)
{
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			char text[17], want[48], one[8] = {(char)c};
			memset(text, 'a', sizeof text);
			text[at] = (char)c;
			if (c >= 0x80)
				strcpy(one, ".");
			else if (c == '"' || c == '\\')
				snprintf(one, sizeof one, "\\%c", c);
			else if (c >= 8 && c <= 13 && c != 11)
				snprintf(one, sizeof one, "\\%c", "btn?fr"[c - 8]);
			else if (c < 0x20 || c == 0x7f)
				snprintf(one, sizeof one, "\\u%04x", c);
			snprintf(want, sizeof want, "%.*s%s%.*s", (int)at, "aaaaaaaaaaaaaaaaa", one,
				 (int)(16 - at), "aaaaaaaaaaaaaaaaa");
			expect_str(bytes_of(text, sizeof text), want);
		}
	}
}

Test(json, rows_have_names_and_bytes_are_base64)
{
	struct msg_packet_row rows[] = {
		{1, 2, BYTES("\xff\xee")},
		{3, 4, BYTES("\xff\xee\xdd")},
		{5, 6, BYTES("\xff")},
		{UINT64_MAX, 0, {0}},
	};
	struct msg_packet m = {.first = 10, .link = 1, .packets = {rows, 4}};
	expect(&msg_packet_schema, &m,
	       "{\"first\":10,\"link\":1,\"packets\":[{\"ts_ns\":1,\"len\":2,\"data\":\"/+4=\"},{\"ts_ns\":3,\"len\":4,\"data\":\"/+7d\"},{\"ts_ns\":5,\"len\":6,\"data\":\"/w==\"},{\"ts_ns\":18446744073709551615,\"len\":0,\"data\":\"\"}]}");
}

Test(json, base64_joins_its_pieces)
{
	size_t n = (6 << 20) + 1;
	char *big = malloc(n);
	memset(big, 0, n);
	struct msg_packet_row m = {.data = bytes_of(big, n)};
	cr_assert_eq(msg_json(&msg_packet_row_schema, &m, &out), 0);
	const char head[] = "{\"ts_ns\":0,\"len\":0,\"data\":\"";
	cr_assert_eq(out.n, sizeof head - 1 + (n + 2) / 3 * 4 + 2);
	uint8_t *text = out.p + sizeof head - 1;
	size_t same = 0;
	while (text[same] == 'A')
		same++;
	cr_assert_eq(same, (n - 1) / 3 * 4 + 2);
	cr_assert_arr_eq(text + same, "==\"}", 4);
	free(big);
}

Test(json, times_are_exact_decimals)
{
	struct msg_analysis m = {.init_ts = 1102274184317453000, .last_ts = 1};
	cr_assert_eq(msg_json(&msg_analysis_schema, &m, &out), 0);
	const char want[] =
		"{\"init_ts\":1102274184.317453000,\"last_ts\":0.000000001,\"src_addr\":\"\",";
	cr_assert_arr_eq(out.p, want, sizeof want - 1);
}

Test(json, numbers_lists_counts_and_absence)
{
	uint64_t ports[] = {22, 65535};
	struct msg_alert alert = {.rate = 0.1, .ports = {ports, 2}};
	expect(&msg_alert_schema, &alert,
	       "{\"kind\":\"\",\"severity\":\"\",\"message\":\"\",\"ts_ns\":0,\"ports\":[22,65535],\"rate\":0.1}");
	alert = (struct msg_alert){.rate = 1.0 / 3};
	expect(&msg_alert_schema, &alert,
	       "{\"kind\":\"\",\"severity\":\"\",\"message\":\"\",\"ts_ns\":0,\"rate\":0.33333333333333331}");
	alert = (struct msg_alert){.rate = NAN};
	expect(&msg_alert_schema, &alert,
	       "{\"kind\":\"\",\"severity\":\"\",\"message\":\"\",\"ts_ns\":0,\"rate\":null}");
	struct msg_count counts[] = {{BYTES("a"), 1}, {BYTES("b"), 2}};
	struct msg_stat stat = {.counters = {counts, 2}};
	expect(&msg_stat_schema, &stat,
	       "{\"pid\":0,\"start_ns\":0,\"rss_bytes\":0,\"cpu_ns\":0,\"counters\":{\"a\":1,\"b\":2}}");
	struct bytes examples[] = {BYTES("x"), BYTES("y\"")};
	struct msg_format format = {.examples = {examples, 2}, .new = true};
	expect(&msg_format_schema, &format,
	       "{\"id\":\"\",\"template\":\"\",\"count\":0,\"first_seen_ns\":0,\"last_seen_ns\":0,\"new\":true,\"examples\":[\"x\",\"y\\\"\"]}");
	struct msg_http http = {.body_len = 5};
	struct msg_analysis a = {.http = &http};
	buf_reset(&out);
	cr_assert_eq(msg_json(&msg_analysis_schema, &a, &out), 0);
	buf_addc(&out, '\0');
	cr_assert_not_null(strstr(
		(char *)out.p,
		"\"verified\":false,\"http\":{\"method\":\"\",\"target\":\"\",\"body_len\":5}}"));
}

Test(json, stops_at_the_limit)
{
	struct msg_header m = {BYTES("name"), BYTES("value")};
	struct msg_packet_row row = {.data = BYTES("0123456789012345678901234567890123456789")};
	struct buf small;
	buf_init(&small, 20);
	cr_assert_eq(msg_json(&msg_header_schema, &m, &small), -EFBIG);
	buf_reset(&small);
	cr_assert_eq(msg_json(&msg_packet_row_schema, &row, &small), -EFBIG);
	buf_fini(&small);
}

/* Every way to cut a message into pieces gives the message. */
Test(json, pieces)
{
	const struct msg_schema *s = &msg_analysis_schema;
	struct msg_http http = {.method = BYTES("GET"), .target = BYTES("/")};
	struct msg_analysis m = {.init_ts = 1,
				 .payload = BYTES("abc"),
				 .sensor = BYTES("s"),
				 .app = BYTES("http"),
				 .http = &http};
	size_t app = msg_row(s, offsetof(struct msg_analysis, app));
	struct buf text[2];

	cr_assert_str_eq(s->fields[app].name, "app");
	cr_assert_eq(msg_row(s, sizeof m), s->nfields);
	cr_assert_eq(msg_json(s, &m, &out), 0);
	for (size_t i = 0; i < 2; i++)
		buf_init(&text[i], 1 << 20);
	for (size_t from = 1; from < s->nfields; from++)
		for (size_t to = from + 1; to <= s->nfields; to++) {
			struct buf whole;
			struct msg_piece piece[2] = {{from, to, {0}}, {to, s->nfields, {0}}};
			buf_init(&whole, 1 << 20);
			for (size_t i = 0; i < 2; i++) {
				buf_reset(&text[i]);
				cr_assert_eq(
					msg_json_rows(s, &m, piece[i].from, piece[i].to, &text[i]),
					0);
				piece[i].text = buf_bytes(&text[i]);
			}
			cr_assert_eq(msg_json_pieces(s, &m, piece, to < s->nfields ? 2 : 1, &whole),
				     0);
			cr_assert_eq(whole.n, out.n);
			cr_assert_eq(memcmp(whole.p, out.p, out.n), 0);
			buf_fini(&whole);
		}
	for (size_t i = 0; i < 2; i++)
		buf_fini(&text[i]);
}

/* Against OpenSSL's, at every length, and not a byte beyond. */
Test(json, base64)
{
	uint8_t in[300], got[BASE64_LEN(sizeof in) + 1], want[BASE64_LEN(sizeof in)];

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 167 + i / 7);
	for (size_t from = 0; from < 40; from++)
		for (size_t n = 0; from + n <= sizeof in; n++) {
			memset(got, 0xee, sizeof got);
			size_t len = base64_encode(in + from, n, got);
			cr_assert_eq(len, (size_t)EVP_EncodeBlock(want, in + from, (int)n));
			cr_assert_eq(memcmp(got, want, len), 0);
			cr_assert_eq(got[BASE64_LEN(n)], 0xee);
		}
}

/* Long strings take the wide path: a byte to escape at each of its places. */
Test(json, escapes_anywhere)
{
	static const struct {
		const char *byte, *text;
	} c[] = {{"\"", "\\\""}, {"\\", "\\\\"}, {"\n", "\\n"}, {"\x7f", "\\u007f"}, {"\xff", "."}};
	char s[81], want[100];

	for (size_t k = 0; k < sizeof c / sizeof c[0]; k++)
		for (int at = 0; at < 80; at++) {
			memset(s, '~', 80);
			s[80] = 0;
			s[at] = c[k].byte[0];
			snprintf(want, sizeof want, "%.*s%s%s", at, s, c[k].text, s + at + 1);
			expect_str(bytes_of(s, 80), want);
		}
}
