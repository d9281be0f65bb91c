/*
 * proto_bench: what encoding and decoding cost, in ns, on this machine: a batch of packets, a
 * record to JSON, and the same record to JSON through json-c for comparison.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "proto/codec.h"

#define PACKETS      256
#define PACKET_BYTES 74
#define ROUNDS       7
#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static struct buf out;
static uint8_t block[1 << 20];

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "proto_bench: %s failed\n", what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of a few rounds: what else the machine does only ever adds. */
static void measure(const char *what, void (*fn)(void), int calls, int items)
{
	double best = 1e300;
	for (int round = 0; round < ROUNDS; round++) {
		double begin = now_ns();
		for (int i = 0; i < calls; i++)
			fn();
		double each = (now_ns() - begin) / calls / items;
		best = each < best ? each : best;
	}
	printf("%s\t%.1f\n", what, best);
}

static struct msg_packet_row rows[PACKETS];
static struct msg_packet packets = {.first = 1000000, .link = 1, .packets = {rows, PACKETS}};

static void encode_packets(void)
{
	buf_reset(&out);
	need(msg_encode(&msg_packet_schema, &packets, &out) == 0, "encode");
}

static void decode_packets(void)
{
	struct msg_packet m;
	struct msg_arena a = {.p = block, .n = sizeof block};
	need(msg_decode(&msg_packet_schema, buf_bytes(&out), &m, &a) == 0, "decode");
}

static const struct msg_analysis record = {
	.init_ts = 1102274184317453123,
	.last_ts = 1102274185317453123,
	.src_addr = BYTES("203.0.113.77"),
	.dst_port = 6379,
	.payload = BYTES("*1\r\n$4\r\nINFO\r\n*2\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n"),
	.readable = BYTES("*1\r\n$4\r\nINFO\r\n*2\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n"),
	.s3path = BYTES("pcap/2004/12/05/19/1102274184_203.0.113.77_198.51.100.9_40123_6379.pcap"),
	.sensor = BYTES("sensor-one"),
	.flow_id = BYTES("00112233445566778899aabbccddeeff"),
	.proto = BYTES("tcp"),
	.src_port = 40123,
	.dst_addr = BYTES("198.51.100.9"),
	.community_id = BYTES("1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
	.packets = 9,
	.bytes = 511,
	.payload_len = 41,
	.payload_sha256 = BYTES("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
	.verified = true,
	.syn = BYTES("4:64:29200:1460:7:mss,sok,ts,nop,ws:df"),
	.app = BYTES("redis"),
	.payload_class = BYTES("00112233445566778899aabbccddeeff"),
};

static void encode_record(void)
{
	buf_reset(&out);
	need(msg_encode(&msg_analysis_schema, &record, &out) == 0, "encode");
}

static void decode_record(void)
{
	struct msg_analysis m;
	struct msg_arena a = {.p = block, .n = sizeof block};
	need(msg_decode(&msg_analysis_schema, buf_bytes(&out), &m, &a) == 0, "decode");
}

static void json_record(void)
{
	buf_reset(&out);
	need(msg_json(&msg_analysis_schema, &record, &out) == 0, "json");
}

static struct json_object *json_c_str(struct bytes b)
{
	return json_object_new_string_len((const char *)b.p, (int)b.n);
}

/* The required fields and the optional ones that are present, without base64 and without a check of
 * UTF-8. */
static void json_c_record(void)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < msg_analysis_schema.nfields; i++) {
		const struct msg_field *f = &msg_analysis_schema.fields[i];
		const void *at = (const char *)&record + f->offset;
		struct json_object *v = NULL;
		if (f->kind == MSG_U64 && (f->required || *(const uint64_t *)at))
			v = json_object_new_uint64(*(const uint64_t *)at);
		else if (f->kind == MSG_TIME)
			v = json_object_new_double_s((double)*(const uint64_t *)at / 1e9,
						     "1102274184.317453123");
		else if (f->kind == MSG_BOOL && f->required)
			v = json_object_new_boolean(*(const bool *)at);
		else if ((f->kind == MSG_STR || f->kind == MSG_BIN) &&
			 ((const struct bytes *)at)->n)
			v = json_c_str(*(const struct bytes *)at);
		if (v)
			json_object_object_add_ex(o, f->name, v,
						  JSON_C_OBJECT_ADD_KEY_IS_NEW |
							  JSON_C_OBJECT_ADD_CONSTANT_KEY);
	}
	size_t n;
	const char *text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	buf_reset(&out);
	buf_add(&out, text, n);
	json_object_put(o);
}

int main(void)
{
	static uint8_t data[PACKET_BYTES];
	memset(data, 0xa5, sizeof data);
	for (size_t i = 0; i < PACKETS; i++)
		rows[i] = (struct msg_packet_row){1102274184317453123 + i, PACKET_BYTES,
						  bytes_of(data, sizeof data)};
	buf_init(&out, 1 << 20);
	measure("encode, per 74-byte packet of 256", encode_packets, 2000, PACKETS);
	measure("decode, per 74-byte packet of 256", decode_packets, 2000, PACKETS);
	measure("encode, analysis record", encode_record, 100000, 1);
	measure("decode, analysis record", decode_record, 100000, 1);
	measure("JSON, analysis record", json_record, 100000, 1);
	measure("JSON by json-c, analysis record", json_c_record, 50000, 1);
	buf_fini(&out);
	return 0;
}
