/*
 * query: searches the record files, newest first.
 *
 * A day's file is read forward; the last matches are kept until its end, and printed backwards. So
 * memory is bounded by the limit, whatever the files hold, and compressed days need no second pass.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "count.h"
#include "days.h"
#include "front.h"
#include "match.h"
#include "when.h"

/* Matches that wait for the end of their day. Beyond this the oldest of them go, with a word. */
#define KEPT_BYTES_MAX (256u << 20)

struct query_conf {
	const char *since, *until, *address, *source, *port, *proto, *text, *count_by;
	bool json, table, verified, is_new;
	int64_t limit;
};

struct kept {
	char **line;
	size_t cap, first, n, bytes;
};

struct query {
	struct query_conf conf;
	struct match match;
	struct kept kept;
	struct count *count;
	int columns;
	uint64_t printed, lines, matched, broken, given_up;
};

#define AT(field) offsetof(struct query_conf, field)
static const struct opt opts[] = {
	{.name = "since",
	 .flag = 's',
	 .type = OPT_STR,
	 .offset = AT(since),
	 .help = "flows that began at or after: today, yesterday, 2h, 7d, 2026-11-21, "
		 "2026-11-21T08:30Z"},
	{.name = "until",
	 .flag = 'u',
	 .type = OPT_STR,
	 .offset = AT(until),
	 .help = "flows that began before"},
	{.name = "address",
	 .flag = 'a',
	 .type = OPT_STR,
	 .offset = AT(address),
	 .help = "address or network of either end"},
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
	 .help = "protocol: tcp, udp, icmp, …, or what was recognised: http, tls, ssh, redis, …"},
	{.name = "text",
	 .flag = 'x',
	 .type = OPT_STR,
	 .offset = AT(text),
	 .help = "text that the readable payload contains, upper and lower case alike"},
	{.name = "new",
	 .type = OPT_BOOL,
	 .offset = AT(is_new),
	 .def = "false",
	 .help = "only payload classes this sensor had not seen before"},
	{.name = "verified",
	 .type = OPT_BOOL,
	 .offset = AT(verified),
	 .def = "false",
	 .help = "only sources whose address is proved"},
	{.name = "count_by",
	 .type = OPT_STR,
	 .offset = AT(count_by),
	 .help = "count matches by a field of the record, such as src_addr, dst_port, "
		 "http.user_agent"},
	{.name = "limit",
	 .flag = 'l',
	 .type = OPT_INT,
	 .offset = AT(limit),
	 .def = "50",
	 .min = 1,
	 .max = 1000000,
	 .unit = "lines",
	 .help = "most lines to print"},
	{.name = "json",
	 .flag = 'j',
	 .type = OPT_BOOL,
	 .offset = AT(json),
	 .def = "false",
	 .help = "print whole records as JSON lines"},
	{.name = "table",
	 .flag = 't',
	 .type = OPT_BOOL,
	 .offset = AT(table),
	 .def = "true",
	 .help = "print one line a record for people"},
};
#undef AT

static void drop_first(struct query *q)
{
	struct kept *k = &q->kept;
	k->bytes -= strlen(k->line[k->first]);
	free(k->line[k->first]);
	k->line[k->first] = NULL;
	k->first = (k->first + 1) % k->cap;
	k->n--;
}

static int keep(struct query *q, struct bytes line)
{
	struct kept *k = &q->kept;
	if (k->n == (size_t)((uint64_t)q->conf.limit - q->printed))
		drop_first(q);
	char *copy = strndup((const char *)line.p, line.n);
	if (!copy)
		return -ENOMEM;
	k->line[(k->first + k->n) % k->cap] = copy;
	k->n++;
	k->bytes += strlen(copy);
	while (k->bytes > KEPT_BYTES_MAX && k->n > 1) {
		drop_first(q);
		q->given_up++;
	}
	return 0;
}

static void print_row(struct query *q, const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	if (!o)
		return;
	struct json_object *v;
	uint64_t init_ns = 0, payload_len = 0;
	if (json_object_object_get_ex(o, "init_ts", &v))
		init_ns = (uint64_t)(json_object_get_double(v) * 1e9);
	if (json_object_object_get_ex(o, "payload_len", &v))
		payload_len = json_object_get_uint64(v);
	const char *app = text_field(o, "app"), *readable = text_field(o, "readable");
	const char *src = text_field(o, "src_addr"), *port = text_field(o, "dst_port");
	char when[32], shown_src[64], text[1024], bytes[16];
	time_t t = (time_t)(init_ns / 1000000000u);
	struct tm tm;
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	text_put(shown_src, sizeof(shown_src), bytes_str(src ? src : "-"), 39);
	text_quantity(bytes, payload_len);
	int room = q->columns - 67;
	text_put(text, sizeof(text), bytes_str(readable ? readable : ""),
		 room < 20 ? 20 : (size_t)room);
	if (!app)
		app = text_field(o, "proto");
	printf("%-19s %-21s %-6s %-7.7s %8s  %s\n", when, shown_src, port ? port : "-",
	       app ? app : "-", bytes, text);
	json_object_put(o);
}

static void print_head(const struct query *q)
{
	if (!q->conf.json && !q->count)
		printf("%-19s %-21s %-6s %-7s %8s  %s\n", "TIME", "SOURCE", "PORT", "PROTO",
		       "BYTES", "READABLE");
}

/* The day is over: newest first. */
static void print_kept(struct query *q)
{
	struct kept *k = &q->kept;
	while (k->n) {
		size_t at = (k->first + --k->n) % k->cap;
		if (q->conf.json)
			puts(k->line[at]);
		else
			print_row(q, k->line[at]);
		free(k->line[at]);
		k->line[at] = NULL;
		q->printed++;
	}
	k->first = k->bytes = 0;
}

static int take_line(void *arg, struct bytes line)
{
	struct query *q = arg;
	q->lines++;
	struct json_object *o = NULL;
	int verdict = match_line(&q->match, line, &o);
	int rc = 0;
	if (verdict < 0) {
		q->broken++;
	} else if (verdict) {
		q->matched++;
		rc = q->count ? count_add(q->count, o) : keep(q, line);
	}
	json_object_put(o);
	return rc;
}

static int prepare(struct query *q)
{
	const struct match_text t = {
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
	char err[256] = "";
	if (match_init(&q->match, &t, clock_real_ns(), err, sizeof(err)) != 0) {
		fprintf(stderr, "lurker query: %s\n", err);
		return 2;
	}
	q->columns = front_columns();
	q->kept.cap = (size_t)q->conf.limit;
	q->kept.line = calloc(q->kept.cap, sizeof(*q->kept.line));
	if (!q->kept.line)
		return 1;
	return q->conf.count_by && count_new(q->conf.count_by, &q->count) != 0 ? 1 : 0;
}

int front_query(int argc, char **argv)
{
	static const struct front_usage usage = {
		"query", "",
		"Searches the records of this sensor, compressed days included, newest first.\n\n"
		"  lurker query --since today --port 23          what hit port 23 today\n"
		"  lurker query --since 24h --new                payloads never seen before\n"
		"  lurker query --text '/bin/busybox' --count-by src_addr    who sent this\n\n"
		"Reads: STATE_DIR/records/analysis. Writes: nothing. Needs: the right to read "
		"there.\n"
		"Prints: a table, JSON lines with --json, or counts with --count-by. Exit code: 0 "
		"also when\n"
		"nothing matched."};
	static struct query q;
	static struct svc_common common;
	struct opt_section own = {"", opts, sizeof(opts) / sizeof(*opts), &q.conf};
	int code = front_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	code = prepare(&q);
	if (code)
		return code;
	char dir[PATH_MAX];
	snprintf(dir, sizeof(dir), "%s/records/analysis", common.state_dir);
	struct days days;
	int rc = days_open(dir, &days);
	if (rc) {
		fprintf(stderr, "lurker query: %s: %s\n", dir, strerror(-rc));
		code = 1;
		goto out;
	}
	print_head(&q);
	for (size_t i = days.n; i-- > 0 && q.printed < (uint64_t)q.conf.limit && !rc;) {
		if (!match_day(&q.match, days.v[i].day))
			continue;
		rc = days_read(&days, i, take_line, &q);
		print_kept(&q);
	}
	if (q.count)
		count_print(q.count, stdout, q.conf.limit, q.conf.json);
	if (rc) {
		fprintf(stderr, "lurker query: %s: %s\n", dir, strerror(-rc));
		code = 1;
	}
	if (q.broken || q.given_up)
		fprintf(stderr,
			"lurker query: %llu lines are not records, %llu large matches left out\n",
			(unsigned long long)q.broken, (unsigned long long)q.given_up);
	days_close(&days);
out:
	for (size_t i = 0; i < q.kept.cap; i++)
		free(q.kept.line[i]);
	free(q.kept.line);
	count_free(&q.count);
	return fflush(stdout) == 0 ? code : 1;
}
