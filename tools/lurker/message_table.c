#include "message_table.h"

#include <string.h>

#include "proto/codec.h"
#include "term.h"

static bool is_topic(const struct bus_msg *m, const char *topic)
{
	return bytes_eq(m->topic, bytes_str(topic));
}

void message_table_head(FILE *out, const char *topic)
{
	if (strcmp(topic, "analysis") == 0)
		fprintf(out, "%-8s %-21s %-6s %-7s %8s  %s\n", "TIME UTC", "SOURCE", "PORT",
			"PROTO", "BYTES", "READABLE");
	else if (strcmp(topic, "flow") == 0)
		fprintf(out, "%-8s %-21s %-6s %-5s %7s %10s  %s\n", "TIME UTC", "SOURCE", "PORT",
			"PROTO", "PACKETS", "PAYLOAD", "KEY");
	else if (strcmp(topic, "alert") == 0)
		fprintf(out, "%-8s %-10s %-8s  %s\n", "TIME UTC", "KIND", "SEVERITY", "MESSAGE");
	else
		fprintf(out, "%-8s %-10s  %s\n", "TIME UTC", "PRODUCER", "MESSAGE");
}

static void row_analysis(FILE *out, const struct msg_analysis *a, int columns)
{
	char when[16], text[1024], src[64], app[16], bytes[16];
	term_clock(when, a->init_ts);
	term_text(src, sizeof src, a->src_addr, 39);
	term_text(app, sizeof app, a->app.n ? a->app : a->proto, 7);
	term_quantity(bytes, a->payload_len);
	int room = columns - 56;
	term_text(text, sizeof text, a->readable, room < 20 ? 20 : (size_t)room);
	fprintf(out, "%-8s %-21s %-6llu %-7s %8s  %s\n", when, src, (unsigned long long)a->dst_port,
		app, bytes, text);
}

static void row_flow(FILE *out, const struct msg_flow *f)
{
	char when[16], src[64], proto[8], key[256], port[24] = "-", bytes[16];
	term_clock(when, f->init_ns);
	term_text(src, sizeof src, f->src_addr.n ? f->src_addr : bytes_str("(bundle)"), 39);
	term_text(proto, sizeof proto, f->proto.n ? f->proto : bytes_str("-"), 5);
	term_text(key, sizeof key, f->key, 200);
	term_quantity(bytes, f->payload_bytes);
	if (f->src_addr.n)
		snprintf(port, sizeof port, "%llu", (unsigned long long)f->dst_port);
	fprintf(out, "%-8s %-21s %-6s %-5s %7llu %10s  %s\n", when, src, port, proto,
		(unsigned long long)f->packets, bytes, key);
}

static void row_alert(FILE *out, const struct msg_alert *a)
{
	char when[16], kind[16], severity[12], text[512];
	term_clock(when, a->ts_ns);
	term_text(kind, sizeof kind, a->kind, 10);
	term_text(severity, sizeof severity, a->severity, 8);
	term_text(text, sizeof text, a->message, 400);
	fprintf(out, "%-8s %-10s %-8s  %s\n", when, kind, severity, text);
}

void message_table_row(FILE *out, const struct bus_msg *m, void *decoded, int columns)
{
	if (is_topic(m, "analysis")) {
		row_analysis(out, decoded, columns);
	} else if (is_topic(m, "flow")) {
		row_flow(out, decoded);
	} else if (is_topic(m, "alert")) {
		row_alert(out, decoded);
	} else {
		char when[16], producer[16], text[1024];
		struct buf json;
		buf_init(&json, 2 * BUS_MAX_FRAME);
		msg_json(msg_schema_of(m->topic), decoded, &json);
		term_clock(when, m->ts_ns);
		term_text(producer, sizeof producer, m->producer, 10);
		int room = columns - 22;
		term_text(text, sizeof text, buf_bytes(&json), room < 20 ? 20 : (size_t)room);
		fprintf(out, "%-8s %-10s  %s\n", when, producer, text);
		buf_fini(&json);
	}
}
