#include <errno.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include <criterion/criterion.h>

#include "proto/codec.h"

static alignas(16) uint8_t block[1 << 16];
static struct buf out;

static void setup(void)
{
	buf_init(&out, 1 << 20);
}

static void fini(void)
{
	buf_fini(&out);
}

TestSuite(codec, .init = setup, .fini = fini);

#define BYTES(text) bytes_of(text, sizeof(text) - 1)

static struct msg_arena arena(void)
{
	return (struct msg_arena){.p = block, .n = sizeof block};
}

static int decode(const struct msg_schema *s, struct bytes in, void *msg)
{
	struct msg_arena a = arena();
	return msg_decode(s, in, msg, &a);
}

Test(codec, tables_describe_the_structs)
{
	cr_assert_str_eq(msg_schemas[0]->name, "envelope");
	cr_assert_eq(msg_packet_row_schema.size, sizeof(struct msg_packet_row));
	cr_assert(msg_packet_row_schema.row);
	cr_assert_eq(msg_packet_row_schema.nfields, 3);
	cr_assert_eq(msg_packet_row_schema.fields[2].offset, offsetof(struct msg_packet_row, data));
	cr_assert_eq(msg_packet_schema.fields[2].part, &msg_packet_row_schema);
	const struct msg_field *last = &msg_tls_schema.fields[msg_tls_schema.nfields - 1];
	cr_assert_eq(last->offset, offsetof(struct msg_tls, ja4));
	cr_assert_eq(last->kind, MSG_STR);
	const struct msg_field *ssh = msg_analysis_schema.fields;
	while (strcmp(ssh->name, "ssh") != 0)
		ssh++;
	cr_assert_eq(ssh->offset, offsetof(struct msg_analysis, ssh));
	cr_assert_eq(ssh->kind, MSG_PART);
	cr_assert_not(ssh->required);
}

Test(codec, schema_of_a_topic)
{
	cr_assert_eq(msg_schema_of(bytes_str("packet")), &msg_packet_schema);
	cr_assert_eq(msg_schema_of(bytes_str("stat")), &msg_stat_schema);
	cr_assert_null(msg_schema_of(bytes_str("packet_row")));
	cr_assert_null(msg_schema_of(bytes_str("")), "parts have no topic");
	cr_assert_null(msg_schema_of(bytes_str("pack")));
}

/* Receivers subscribe by prefix. */
Test(codec, no_topic_is_a_prefix_of_another)
{
	for (size_t i = 0; msg_schemas[i]; i++) {
		for (size_t k = 0; msg_schemas[k]; k++) {
			const char *a = msg_schemas[i]->topic, *b = msg_schemas[k]->topic;
			cr_assert(i == k || !*a || strncmp(a, b, strlen(a)) != 0, "%s %s", a, b);
		}
	}
}

Test(codec, packets_round_trip)
{
	struct msg_packet_row rows[3] = {
		{1102274184317453123, 60, bytes_of("\0\1\2\xff", 4)},
		{1102274184317453999, 1500, bytes_of("abc", 3)},
		{1102274185000000000, 0, {0}},
	};
	struct msg_packet m = {.first = UINT64_MAX, .link = 1, .packets = {rows, 3}};
	cr_assert_eq(msg_encode(&msg_packet_schema, &m, &out), 0);
	/* map of 3, "first", uint64 */
	cr_assert_arr_eq(out.p,
			 "\x83\xa5"
			 "first\xcf\xff",
			 9);

	struct msg_packet d;
	cr_assert_eq(decode(&msg_packet_schema, buf_bytes(&out), &d), 0);
	cr_assert_eq(d.first, UINT64_MAX);
	cr_assert_eq(d.link, 1);
	cr_assert_eq(d.packets.n, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(d.packets.v[i].ts_ns, rows[i].ts_ns);
		cr_assert_eq(d.packets.v[i].len, rows[i].len);
		cr_assert(bytes_eq(d.packets.v[i].data, rows[i].data));
	}
	cr_assert(d.packets.v[0].data.p > out.p && d.packets.v[0].data.p < out.p + out.n,
		  "borrowed");
}

Test(codec, every_kind_round_trips)
{
	struct msg_header headers[] = {{BYTES("Host"), BYTES("a")}, {BYTES("X"), BYTES("")}};
	struct msg_http http = {.method = BYTES("GET"),
				.target = BYTES("/"),
				.headers = {headers, 2},
				.requests = 2};
	struct bytes alpn[] = {BYTES("h2"), BYTES("http/1.1")};
	uint64_t ciphers[] = {0x1301, UINT64_MAX, 0};
	struct msg_tls tls = {
		.version = BYTES("tls1.3"), .alpn = {alpn, 2}, .ciphers = {ciphers, 3}};
	struct msg_span gap = {10, 20};
	struct msg_analysis m = {
		.init_ts = 1102274184000000000,
		.last_ts = 1,
		.payload = BYTES("\0\xff"),
		.readable = BYTES(".."),
		.gaps = {&gap, 1},
		.verified = true,
		.first_seen = true,
		.http = &http,
		.tls = &tls,
	};
	cr_assert_eq(msg_encode(&msg_analysis_schema, &m, &out), 0);
	struct msg_analysis d;
	cr_assert_eq(decode(&msg_analysis_schema, buf_bytes(&out), &d), 0);
	cr_assert_eq(d.init_ts, m.init_ts);
	cr_assert_eq(d.last_ts, 1);
	cr_assert(bytes_eq(d.payload, m.payload));
	cr_assert_not_null(d.src_addr.p, "a required string that was absent is empty");
	cr_assert_null(d.syn.p, "an optional one stays absent");
	cr_assert_eq(d.gaps.v[0].to, 20);
	cr_assert(d.verified && d.first_seen);
	cr_assert(bytes_eq(d.http->headers.v[1].name, BYTES("X")));
	cr_assert_eq(d.http->requests, 2);
	cr_assert(bytes_eq(d.tls->alpn.v[1], alpn[1]));
	cr_assert_eq(d.tls->ciphers.v[1], UINT64_MAX);
	cr_assert_null(d.ssh);

	struct msg_count drops[] = {{BYTES("full"), 3}, {BYTES("late"), 0}};
	struct msg_stat stat = {.pid = 7, .drops = {drops, 2}}, stat_d;
	buf_reset(&out);
	cr_assert_eq(msg_encode(&msg_stat_schema, &stat, &out), 0);
	cr_assert_eq(decode(&msg_stat_schema, buf_bytes(&out), &stat_d), 0);
	cr_assert_eq(stat_d.drops.n, 2);
	cr_assert(bytes_eq(stat_d.drops.v[0].name, BYTES("full")));
	cr_assert_eq(stat_d.drops.v[0].count, 3);
	cr_assert_eq(stat_d.counters.n, 0);

	struct msg_alert alert = {.rate = -2.5}, alert_d;
	buf_reset(&out);
	cr_assert_eq(msg_encode(&msg_alert_schema, &alert, &out), 0);
	cr_assert_eq(decode(&msg_alert_schema, buf_bytes(&out), &alert_d), 0);
	cr_assert_eq(alert_d.rate, -2.5);
}

/* No message of ours has a signed field yet; the codec has. */
Test(codec, signed_integers_round_trip)
{
	struct point {
		int64_t at, left_out;
	} p = {.at = INT64_MIN}, d;
	static const struct msg_field fields[] = {
		{"at", MSG_I64, true, offsetof(struct point, at), NULL, "", "", 2, "\"at\":"},
		{"left_out", MSG_I64, false, offsetof(struct point, left_out), NULL, "", "", 8,
		 "\"left_out\":"},
	};
	const struct msg_schema s = {
		.name = "point", .fields = fields, .nfields = 2, .size = sizeof p};
	cr_assert_eq(msg_encode(&s, &p, &out), 0);
	cr_assert_eq(decode(&s, buf_bytes(&out), &d), 0);
	cr_assert_eq(d.at, INT64_MIN);
	buf_reset(&out);
	p.left_out = 7;
	cr_assert_eq(msg_json(&s, &p, &out), 0);
	cr_assert(bytes_eq(buf_bytes(&out), BYTES("{\"at\":-9223372036854775808,\"left_out\":7}")));
	buf_reset(&out);
	p = (struct point){0};
	cr_assert_eq(msg_json(&s, &p, &out), 0);
	cr_assert(bytes_eq(buf_bytes(&out), BYTES("{\"at\":0}")));
}

Test(codec, times_are_seconds_on_the_wire)
{
	static const uint64_t ns[] = {
		0, 1, 999999999, 1000000000, 1102274184317453123, 18446744071999999999u};
	for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++) {
		struct msg_analysis m = {.init_ts = ns[i]}, d;
		buf_reset(&out);
		cr_assert_eq(msg_encode(&msg_analysis_schema, &m, &out), 0);
		cr_assert_eq(decode(&msg_analysis_schema, buf_bytes(&out), &d), 0);
		/* A double has 52 bits for seconds and fraction. */
		uint64_t diff = d.init_ts > ns[i] ? d.init_ts - ns[i] : ns[i] - d.init_ts;
		cr_assert_leq(diff, ns[i] >> 52, "case %zu", i);

		struct buf again;
		buf_init(&again, 1 << 20);
		cr_assert_eq(msg_encode(&msg_analysis_schema, &d, &again), 0);
		cr_assert(bytes_eq(buf_bytes(&out), buf_bytes(&again)), "and then it stays");
		buf_fini(&again);
	}
}

Test(codec, times_out_of_range_are_refused)
{
	static const double bad[] = {-1, -1e-9, 18446744073.0, 1e300, INFINITY, -INFINITY, NAN};
	struct msg_analysis m = {0}, d;
	cr_assert_eq(msg_encode(&msg_analysis_schema, &m, &out), 0);
	uint8_t *ts = memmem(out.p, out.n, "\xa7init_ts\xcb", 9);
	cr_assert_not_null(ts);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint64_t bits;
		memcpy(&bits, &bad[i], 8);
		for (int k = 0; k < 8; k++)
			ts[9 + k] = (uint8_t)(bits >> (56 - 8 * k));
		cr_assert_eq(decode(&msg_analysis_schema, buf_bytes(&out), &d), -EBADMSG,
			     "case %zu", i);
	}
}

Test(codec, strings_leave_as_utf8)
{
	struct msg_header rows = {BYTES("caf\xc3\xa9"), BYTES("\xff\xfe"
							      "A\xc3")};
	cr_assert_eq(msg_encode(&msg_header_schema, &rows, &out), 0);
	cr_assert_eq(out.n, 1 + 6 + 5);
	cr_assert_arr_eq(out.p,
			 "\x92\xa5"
			 "caf\xc3\xa9\xa4..A.",
			 12);
}

Test(codec, encoding_stops_at_the_limit)
{
	struct buf small;
	struct msg_header row = {BYTES("name"), BYTES("value")};
	buf_init(&small, 11);
	cr_assert_eq(msg_encode(&msg_header_schema, &row, &small), -EFBIG);
	buf_fini(&small);
	buf_init(&small, 12);
	cr_assert_eq(msg_encode(&msg_header_schema, &row, &small), 0);
	buf_fini(&small);
}

Test(codec, rows_may_be_longer_but_not_shorter)
{
	struct msg_span d;
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x92\x01\x02"), &d), 0);
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x94\x01\x02\x91\x01\xa1x"), &d), 0);
	cr_assert_eq(d.to, 2);
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x91\x01"), &d), -EBADMSG);
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x90"), &d), -EBADMSG);
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x80"), &d), -EBADMSG);
}

Test(codec, maps_unknown_keys_order_repeats_nil)
{
	struct msg_ssh d;
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x81\xa6"
				  "banner\xa1x"),
			    &d),
		     0);
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x83\xa1?\x81\xc0\xc0\xa5hassh\xa1h\xa6"
				  "banner\xa1x"),
			    &d),
		     0);
	cr_assert(bytes_eq(d.hassh, BYTES("h")));
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x82\xa6"
				  "banner\xa1x\xa6"
				  "banner\xa1y"),
			    &d),
		     0);
	cr_assert(bytes_eq(d.banner, BYTES("y")));
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x82\xa6"
				  "banner\xa1x\xa5hassh\xc0"),
			    &d),
		     0, "nil: absent");
	cr_assert_null(d.hassh.p);
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x81\xa6"
				  "banner\xc0"),
			    &d),
		     -EBADMSG);
	cr_assert_eq(decode(&msg_ssh_schema, BYTES("\x80"), &d), -EBADMSG, "banner is missing");
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x82\xa7"
				  "banner\0\xa1x\xa1h\xc0"),
			    &d),
		     -EBADMSG, "not its name");
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x82\xa5"
				  "banne\xa1x\xa1h\xc0"),
			    &d),
		     -EBADMSG);
	cr_assert_eq(decode(&msg_ssh_schema,
			    BYTES("\x82\x01\x01\xa6"
				  "banner\xa1x"),
			    &d),
		     -EBADMSG, "keys are strings");
}

Test(codec, wrong_types_and_trailing_bytes_are_refused)
{
	struct msg_span d;
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x92\x01\xa1x"), &d), -EBADMSG);
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x92\x01\xff"), &d), -EBADMSG, "negative");
	cr_assert_eq(decode(&msg_span_schema, BYTES("\x92\x01\x02\xc0"), &d), -EBADMSG, "trailing");
	cr_assert_eq(decode(&msg_span_schema, (struct bytes){0}, &d), -EBADMSG, "empty");
}

Test(codec, cut_anywhere_is_refused)
{
	struct msg_header header = {BYTES("Host"), BYTES("a")};
	struct bytes str = BYTES("h2");
	uint64_t cipher = 300;
	struct msg_http http = {.headers = {&header, 1}};
	struct msg_tls tls = {.alpn = {&str, 1}, .ciphers = {&cipher, 1}};
	struct msg_analysis m = {.http = &http, .tls = &tls, .verified = true}, d;
	cr_assert_eq(msg_encode(&msg_analysis_schema, &m, &out), 0);
	for (size_t n = 0; n < out.n; n++)
		cr_assert_eq(decode(&msg_analysis_schema, bytes_of(out.p, n), &d), -EBADMSG,
			     "cut to %zu", n);
	cr_assert_eq(decode(&msg_analysis_schema, buf_bytes(&out), &d), 0);
}

Test(codec, arena_bounds_the_memory)
{
	struct msg_span gaps[8] = {{1, 2}};
	struct msg_analysis m = {.gaps = {gaps, 8}}, d;
	cr_assert_eq(msg_encode(&msg_analysis_schema, &m, &out), 0);
	struct msg_arena a = {.p = block, .n = sizeof gaps - 1};
	cr_assert_eq(msg_decode(&msg_analysis_schema, buf_bytes(&out), &d, &a), -ENOBUFS);
	cr_assert_eq(d.gaps.n, 0);
	a = (struct msg_arena){.p = block, .n = sizeof gaps};
	cr_assert_eq(msg_decode(&msg_analysis_schema, buf_bytes(&out), &d, &a), 0);
	cr_assert_eq(a.used, sizeof gaps);
	a = (struct msg_arena){.p = block + 1, .n = sizeof gaps + 15};
	cr_assert_eq(msg_decode(&msg_analysis_schema, buf_bytes(&out), &d, &a), 0, "any alignment");
	cr_assert_eq((uintptr_t)d.gaps.v % alignof(max_align_t), 0);
	a = (struct msg_arena){.p = block + 1, .n = 8};
	cr_assert_eq(msg_decode(&msg_analysis_schema, buf_bytes(&out), &d, &a), -ENOBUFS,
		     "smaller than the padding");
	a = (struct msg_arena){0};
	cr_assert_eq(msg_decode(&msg_analysis_schema, buf_bytes(&out), &d, &a), -ENOBUFS);
}

/* Five bytes that declare 2^32-1 packets: nothing may be reserved for them. */
Test(codec, a_declared_count_takes_no_memory)
{
	struct msg_packet d;
	struct msg_arena a = arena();
	struct bytes in = BYTES("\x83\xa5"
				"first\x01\xa4link\x01\xa7packets\xdd\xff\xff\xff\xff");
	cr_assert_eq(msg_decode(&msg_packet_schema, in, &d, &a), -EBADMSG);
	cr_assert_eq(a.used, 0);
}

/* Asserted here, not at each call: a required part has no way to be absent. */
Test(codec, parts_are_optional)
{
	for (size_t i = 0; msg_schemas[i]; i++) {
		for (size_t k = 0; k < msg_schemas[i]->nfields; k++) {
			const struct msg_field *f = &msg_schemas[i]->fields[k];
			cr_assert(f->kind != MSG_PART || !f->required, "%s.%s",
				  msg_schemas[i]->name, f->name);
		}
	}
}
