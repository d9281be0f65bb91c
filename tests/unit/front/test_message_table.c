#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "elsewhere.h"
#include "message_table.h"
#include "proto/codec.h"

static char shown[2048];

TestSuite(message_table, .init = elsewhere);

static const char *row(const char *topic, void *decoded, int columns)
{
	const struct bus_msg m = {
		.topic = bytes_str(topic), .producer = bytes_str("flowagg"), .ts_ns = NOON_NS};
	FILE *f = fmemopen(shown, sizeof shown, "w");
	message_table_row(f, &m, decoded, columns);
	fclose(f);
	return shown;
}

static size_t head(const char *topic)
{
	FILE *f = fmemopen(shown, sizeof shown, "w");
	message_table_head(f, topic);
	fclose(f);
	return strlen(shown);
}

Test(message_table, a_record)
{
	struct msg_analysis a = {.init_ts = NOON_NS,
				 .src_addr = bytes_str("198.51.100.7"),
				 .dst_port = 8080,
				 .proto = bytes_str("tcp"),
				 .payload_len = 12345,
				 .readable =
					 bytes_str("GET /\x1b[31m some text that is far too long")};
	cr_expect_str_eq(
		row("analysis", &a, 80),
		"12:00:00 198.51.100.7          8080   tcp        12.3k  GET /.[31m some text th\xe2\x80\xa6\n");
	a.app = bytes_str("http");
	cr_expect(strstr(row("analysis", &a, 80), " http "), "what was recognised goes first");
	cr_expect(strstr(row("analysis", &a, 0), "  GET /.[31m some tex\xe2\x80\xa6\n"),
		  "20 columns for the text on any terminal");
	cr_expect_eq(head("analysis") - 1,
		     strlen("12:00:00 198.51.100.7          8080   tcp        12.3k  READABLE"));
}

Test(message_table, a_flow_and_a_bundle)
{
	struct msg_flow f = {.init_ns = NOON_NS,
			     .src_addr = bytes_str("2001:db8::7"),
			     .dst_port = 22,
			     .proto = bytes_str("tcp"),
			     .packets = 3,
			     .payload_bytes = 99,
			     .key = bytes_str("pcap/x.pcap")};
	cr_expect_str_eq(
		row("flow", &f, 80),
		"12:00:00 2001:db8::7           22     tcp         3         99  pcap/x.pcap\n");
	f = (struct msg_flow){.init_ns = NOON_NS, .packets = 7, .key = bytes_str("pcap/b.pcap")};
	cr_expect_str_eq(
		row("flow", &f, 80),
		"12:00:00 (bundle)              -      -           7          0  pcap/b.pcap\n");
}

Test(message_table, an_alert)
{
	struct msg_alert a = {.ts_ns = NOON_NS,
			      .kind = bytes_str("hole"),
			      .severity = bytes_str("warning"),
			      .message = bytes_str("capture\nwas down")};
	cr_expect_str_eq(row("alert", &a, 80), "12:00:00 hole       warning   capture was down\n");
}

Test(message_table, other_topics_are_json)
{
	struct msg_object o = {.key = bytes_str("pcap/x.pcap")};
	cr_expect(strstr(row("object", &o, 60), "12:00:00 flowagg     {"), "%s", shown);
	cr_expect(strstr(shown, "\xe2\x80\xa6\n"), "%s", shown);
	head("object");
	cr_expect_str_eq(shown, "TIME UTC PRODUCER    MESSAGE\n");
}
