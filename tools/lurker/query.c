/*
 * query: searches the record files, newest first.
 *
 * A day's file is read forward, and its newest matches are kept. At the end of the file, those
 * matches are printed that no older file can have a newer one than: a record is in the file of the
 * day on which it was written, which is never before its flow began. So memory is bounded, whatever
 * the files hold, and a compressed day is read once.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "day_files.h"
#include "front.h"
#include "json_line.h"
#include "newest.h"
#include "query_filter.h"
#include "term.h"
#include "value_counts.h"

/* Matches kept until the end of their day. Beyond this, the oldest ones are dropped; the query ends
 * there and says so. */
#define KEPT_BYTES_MAX (256u << 20)

struct query_conf {
	const char *since, *until, *address, *source, *port, *proto, *text, *count_by;
	bool json, verified, is_new;
	struct opt_switch table;
	int64_t limit;
};

struct query {
	struct query_conf conf;
	struct query_filter match;
	struct newest *newest;
	struct value_counts *count;
	int columns;
	uint64_t place; /* of the current line; higher is newer where times are equal */
	uint64_t broken;
};

#define AT(field) offsetof(struct query_conf, field)
static const struct opt opts[] = {
	{.name = "since",
	 .flag = 's',
	 .type = OPT_STR,
	 .offset = AT(since),
	 .help = "flows that began at this time or later: today, yesterday, 2h, 7d, 2026-11-21, "
		 "2026-11-21T08:30, 2026-11-21T08:30+01:00; UTC without an offset"},
	{.name = "until",
	 .flag = 'u',
	 .type = OPT_STR,
	 .offset = AT(until),
	 .help = "flows that began before this time, written as for --since"},
	{.name = "address",
	 .flag = 'a',
	 .type = OPT_STR,
	 .offset = AT(address),
	 .help = "address or network of the initiator or the responder"},
	{.name = "source",
	 .type = OPT_STR,
	 .offset = AT(source),
	 .help = "address or network of the initiator"},
	{.name = "port",
	 .flag = 'p',
	 .type = OPT_STR,
	 .offset = AT(port),
	 .help = "destination port, or a range such as 8000-8999"},
	{.name = "proto",
	 .type = OPT_STR,
	 .offset = AT(proto),
	 .help = "transport (tcp, udp, icmp, …) or recognised protocol (http, tls, ssh, redis, …)"},
	{.name = "text",
	 .flag = 'x',
	 .type = OPT_STR,
	 .offset = AT(text),
	 .help = "text that the readable payload contains; case does not matter"},
	{.name = "new",
	 .type = OPT_BOOL,
	 .offset = AT(is_new),
	 .def = "false",
	 .help = "only flows whose payload class was new to this sensor"},
	{.name = "verified",
	 .type = OPT_BOOL,
	 .offset = AT(verified),
	 .def = "false",
	 .help = "only flows from a verified source address"},
	{.name = "count_by",
	 .type = OPT_STR,
	 .offset = AT(count_by),
	 .help = "count the matches by a field of the record, such as src_addr, dst_port, "
		 "http.user_agent"},
	{.name = "limit",
	 .flag = 'l',
	 .type = OPT_INT,
	 .offset = AT(limit),
	 .def = "50",
	 .min = 1,
	 .max = 1000000,
	 .unit = "lines",
	 .help = "number of lines to print at most: the newest records, or the most frequent values"},
	{.name = "json",
	 .flag = 'j',
	 .type = OPT_BOOL,
	 .offset = AT(json),
	 .def = "false",
	 .help = "print whole records, or counts, as JSON lines; the same as --no-table"},
	{.name = "table",
	 .flag = 't',
	 .type = OPT_SWITCH,
	 .offset = AT(table),
	 .def = "true",
	 .help = "print a table, one line a record, times in UTC"},
	{0},
};
#undef AT

static double query_began(struct json_object *o)
{
	struct json_object *v;
	double s = json_object_object_get_ex(o, "init_ts", &v) ? json_object_get_double(v) : 0;
	return s > 0 ? s : 0; /* in a damaged file it may be NaN */
}

#define TIME_TEXT_MAX 40
static void query_time_text(char out[TIME_TEXT_MAX], double s)
{
	/* A time from a broken clock may be beyond the largest year. */
	time_t t = s > 0 && s < 1e15 ? (time_t)s : 0;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || !strftime(out, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, TIME_TEXT_MAX, "-");
}

static void query_print_row(const struct query *q, const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	if (!o)
		return;
	struct json_object *v;
	uint64_t payload_len = 0;
	if (json_object_object_get_ex(o, "payload_len", &v))
		payload_len = json_object_get_uint64(v);
	const char *app = json_line_text(o, "app"), *readable = json_line_text(o, "readable");
	const char *src = json_line_text(o, "src_addr"), *port = json_line_text(o, "dst_port");
	char when[TIME_TEXT_MAX], shown_src[64], text[1024], bytes[16];
	query_time_text(when, query_began(o));
	term_text(shown_src, sizeof shown_src, bytes_str(src ? src : "-"), 39);
	term_quantity(bytes, payload_len);
	int room = q->columns - 67;
	term_text(text, sizeof text, bytes_str(readable ? readable : ""),
		  room < 20 ? 20 : (size_t)room);
	if (!app)
		app = json_line_text(o, "proto");
	printf("%-19s %-21s %-6s %-7.7s %8s  %s\n", when, shown_src, port ? port : "-",
	       app ? app : "-", bytes, text);
	json_object_put(o);
}

static void query_print_head(const struct query *q)
{
	if (!q->conf.json && !q->count)
		printf("%-19s %-21s %-6s %-7s %8s  %s\n", "TIME (UTC)", "SOURCE", "PORT", "PROTO",
		       "BYTES", "READABLE");
}

static void query_print_line(void *arg, const char *line)
{
	const struct query *q = arg;
	if (q->conf.json)
		puts(line);
	else
		query_print_row(q, line);
}

static int query_take_line(void *arg, struct bytes line)
{
	struct query *q = arg;
	q->place++;
	struct json_object *o = NULL;
	int verdict = query_filter_line(&q->match, line, &o);
	int rc = 0;
	if (verdict < 0) {
		q->broken++;
	} else if (verdict) {
		rc = q->count ? value_counts_add(q->count, o)
			      : newest_add(q->newest, query_began(o), q->place, line);
	}
	json_object_put(o);
	return rc;
}

static int query_prepare(struct query *q)
{
	const struct query_filter_args t = {
		.since = q->conf.since,
		.until = q->conf.until,
		.address = q->conf.address,
		.source = q->conf.source,
		.port = q->conf.port,
		.proto = q->conf.proto,
		.text = q->conf.text,
		.verified = q->conf.verified,
		.is_new = q->conf.is_new,
	};
	char err[2048] = "";
	if (query_filter_init(&q->match, &t, clock_real_ns(), err, sizeof err) != 0) {
		fprintf(stderr, "lurker query: %s\n", err);
		return 2;
	}
	if (q->conf.count_by && !value_counts_field_known(q->conf.count_by, err, sizeof err)) {
		fprintf(stderr, "lurker query: --count-by: %s\n", err);
		return 2;
	}
	q->columns = term_columns();
	int rc = q->conf.count_by ? value_counts_new(q->conf.count_by, &q->count)
				  : newest_new((size_t)q->conf.limit, KEPT_BYTES_MAX, &q->newest);
	return rc ? 1 : 0;
}

/* Reads a day and prints what is certain by then; false when nothing more can be read or is
 * wanted. */
static bool query_read_day(struct query *q, const struct day_files *days, size_t i, int *code)
{
	char path[DAY_FILES_PATH_MAX], when[TIME_TEXT_MAX];
	double sure = i ? (double)day_files_end(days->v[i - 1].day) : 0, cut;
	q->place = (uint64_t)i << 40;
	int rc = day_files_read(days, i, query_take_line, q);
	if (rc) {
		day_files_path(days, i, path);
		fprintf(stderr, "lurker query: %s: %s\n", path,
			rc == -EBADMSG ? "damaged or cut off: only what could be read was searched"
				       : strerror(-rc));
		*code = 1;
	}
	if (q->count)
		return rc != -ENOMEM;
	newest_out(q->newest, sure, query_print_line, q);
	if (newest_cut(q->newest, &cut) && cut >= sure) {
		query_time_text(when,
				cut + 1); /* a few records of that second may be printed again */
		fprintf(stderr,
			"lurker query: more matches than can be sorted at once: the older ones are left out; continue with --until '%s'\n",
			when);
		*code = 1;
		return false;
	}
	return rc != -ENOMEM && newest_left(q->newest);
}

int front_query(int argc, char **argv)
{
	static const struct front_usage usage = {
		"query", "",
		"Searches the records of this sensor, including compressed days, newest first.\n\n"
		"  lurker query --since today --port 23          what hit port 23 today\n"
		"  lurker query --since 24h --new                payloads never seen before\n"
		"  lurker query --text '/bin/busybox' --count-by src_addr    who sent this\n\n"
		"Reads: STATE_DIR/records/analysis. Writes: nothing. Needs: permission to read it.\n"
		"Prints: a table, JSON lines with --json, or counts with --count-by. Records are printed in\n"
		"the order in which their flows began, newest first, up to --limit. Matches that cannot be\n"
		"sorted in 256 MiB are left out, and a message says so. All times are UTC; today begins at\n"
		"0:00 UTC. Exit code: 0, also when nothing matched; 1 not everything could be read or\n"
		"printed; 2 wrong options."};
	static struct query q;
	static struct svc_common common;
	struct opt_section own = {"", opts, &q.conf};
	int code = front_file_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	if (q.conf.json && q.conf.table.on && q.conf.table.by_flag) {
		fputs("lurker query: choose one of --json and --table\n", stderr);
		return 2;
	}
	q.conf.json |= !q.conf.table.on;
	code = query_prepare(&q);
	if (code)
		goto out;
	char dir[PATH_MAX];
	snprintf(dir, sizeof dir, "%s/records/analysis", common.state_dir);
	struct day_files days;
	int rc = day_files_open(dir, &days);
	if (rc) {
		fprintf(stderr, "lurker query: %s: %s\n", dir, strerror(-rc));
		code = 1;
		goto out;
	}
	query_print_head(&q);
	for (size_t i = days.n; i-- > 0;)
		if (query_filter_day(&q.match, days.v[i].day) &&
		    !query_read_day(&q, &days, i, &code))
			break;
	if (q.count)
		value_counts_print(q.count, stdout, stderr, q.conf.limit, q.conf.json);
	else
		newest_out(q.newest, 0, query_print_line, &q);
	if (q.broken)
		fprintf(stderr, "lurker query: %llu lines are not records and were skipped\n",
			(unsigned long long)q.broken);
	day_files_close(&days);
out:
	newest_free(&q.newest);
	value_counts_free(&q.count);
	return fflush(stdout) == 0 ? code : 1;
}
