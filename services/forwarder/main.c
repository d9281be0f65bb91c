/*
 * lurker-forwarder: records to other systems.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cloud/creds.h"
#include "cloud/http_client.h"
#include "conf.h"
#include "delivery.h"
#include "proto/codec.h"
#include "rt/svc.h"
#include "sinks.h"
#include "storage/spool_dir.h"

#define S 1000000000u
/* Requests at once: one a sink, and one for credentials. */
#define HTTP_AT_ONCE 8
/* At the end, deliveries under way get so long, all together. */
#define DRAIN_MS 5000

static struct conf conf;

#define COUNT(name) +1
enum { NSINKS = 0 SINKS(COUNT) };

#define ROW(name) {&sink_##name, &conf.name##_filter},
static const struct {
	const struct sink_class *class;
	const struct opt_list *filter;
} table[NSINKS] = {SINKS(ROW)};

enum {
	M_READ,
	M_DELIVERED,
	M_BATCHES,
	M_FILTERED,
	M_RETRIES,
	M_STUCK,
	M_GATHERED,
	M_SHORTENED,
	M_LEFT,
	M_REFUSED,
	M_UNREADABLE,
	M_PER_SINK
};

/* The same counters for each sink, under its name. */
#define COUNTERS(sink)                                                                             \
	{#sink "_read", METRIC_COUNTER, "records", "read from the files"},                         \
		{#sink "_delivered", METRIC_COUNTER, "records", "taken by the destination"},       \
		{#sink "_batches", METRIC_COUNTER, "requests", "in so many deliveries"},           \
		{#sink "_filtered", METRIC_COUNTER, "records", "not wanted by the filter"},        \
		{#sink "_retries", METRIC_COUNTER, "tries", "deliveries that failed"},             \
		{#sink "_stuck", METRIC_COUNTER, "tries",                                          \
		 "of these, for a reason that needs a person"},                                    \
		{#sink "_gathered", METRIC_GAUGE, "records", "read and not yet delivered"},        \
		{#sink "_shortened", METRIC_COUNTER, "records",                                    \
		 "cut to what the destination takes"},                                             \
		{#sink "_left", METRIC_DROP, "records", "too large, too old or too new for it"},   \
		{#sink "_refused", METRIC_DROP, "records", "refused by the destination for good"}, \
		{#sink "_unreadable", METRIC_DROP, "records", "lines that are no JSON object"},

static const struct metric metrics[NSINKS * M_PER_SINK] = {SINKS(COUNTERS)};
static uint64_t values[NSINKS * M_PER_SINK];

static struct {
	struct http *http;
	struct creds_chain *creds;
	struct sink *sinks[NSINKS];
	struct delivery *deliveries[NSINKS];
	struct sink_filter filters[NSINKS];
	char region[32], records[PATH_MAX], offsets[NSINKS][PATH_MAX];
} fw;

static bool given(const char *text)
{
	return text && *text;
}

static bool wanted(const struct sink_class *class)
{
	return given(*(const char *const *)((const char *)&conf + class->on_at));
}

static int check_sinks(char *why, size_t n)
{
	bool any = false;
	int rc = 0;
	for (size_t i = 0; !rc && i < NSINKS; i++) {
		const struct sink_class *class = table[i].class;
		rc = sink_filter_parse(table[i].filter, &fw.filters[i], why, n);
		any = any || wanted(class);
		if (!rc && wanted(class) && class->check)
			rc = class->check(&conf, why, n);
	}
	if (rc || any)
		return rc;
	int at = snprintf(why, n, "no destination: in forwarder: give one of");
	for (size_t i = 0; i < NSINKS && (size_t)at < n; i++)
		at += snprintf(why + at, n - (size_t)at, " %s", table[i].class->on);
	return -EINVAL;
}

static int check(struct svc *s)
{
	char why[256] = "";
	(void)s;
	int rc = check_sinks(why, sizeof why);
	if (!rc && given(conf.creds.key_id) != given(conf.creds.secret_file)) {
		snprintf(why, sizeof why, "access_key_id and secret_file go together");
		rc = -EINVAL;
	}
	if (rc)
		log_error("configuration", "error=\"%s\"", why);
	return rc;
}

static void trouble(void *arg, bool begins, bool stuck, const char *message)
{
	svc_trouble(arg, "forward", begins, stuck, message);
}

static void on_analysis(void *arg, const struct bus_msg *msg)
{
	(void)arg, (void)msg;
	for (size_t i = 0; i < NSINKS; i++)
		if (fw.deliveries[i])
			delivery_wake(fw.deliveries[i]);
}

static uint32_t today(void)
{
	time_t now = time(NULL);
	struct tm t;
	gmtime_r(&now, &t);
	return (uint32_t)((t.tm_year + 1900) * 10000 + (t.tm_mon + 1) * 100 + t.tm_mday);
}

static void close_all(void)
{
	for (size_t i = 0; i < NSINKS; i++) {
		delivery_free(&fw.deliveries[i]);
		if (fw.sinks[i])
			fw.sinks[i]->class->free(fw.sinks[i]);
		fw.sinks[i] = NULL;
	}
	creds_free(&fw.creds);
	http_free(&fw.http);
}

static int open_delivery(struct svc *s, size_t i)
{
	char relative[64];
	snprintf(relative, sizeof relative, "forwarder/%s.offset", fw.sinks[i]->class->name);
	int rc = svc_path(s, relative, fw.offsets[i], PATH_MAX);
	const struct delivery_conf lc = {
		.records = fw.records,
		.offset = fw.offsets[i],
		.first_day = conf.begin == CONF_TODAY ? today() : 0,
		.filter = fw.filters[i],
		.linger_ns = (uint64_t)conf.linger_s * S,
		.retry_first_ns = S / 2,
		.retry_max_ns = (uint64_t)conf.retry_max_s * S,
		.stuck_ns = 60u * (uint64_t)S,
	};
	return rc ? rc : delivery_new(s->loop, fw.sinks[i], &lc, trouble, s, &fw.deliveries[i]);
}

static int open_sinks(struct svc *s)
{
	const struct sink_env env = {.conf = &conf,
				     .loop = s->loop,
				     .http = fw.http,
				     .creds = fw.creds,
				     .region = fw.region,
				     .sensor = s->common.sensor};
	int rc = 0;
	for (size_t i = 0; !rc && i < NSINKS; i++) {
		if (!wanted(table[i].class))
			continue;
		rc = table[i].class->new (&env, &fw.sinks[i]);
		if (!rc)
			rc = open_delivery(s, i);
	}
	return rc;
}

static int start(struct svc *s)
{
	char dir[PATH_MAX];
	int fd = -1;
	const struct http_conf hc = {.calls = HTTP_AT_ONCE,
				     .ca_file = conf.ca_file,
				     .connect_ms = 10000,
				     .stall_s = conf.stall_s,
				     .response_max = 65536};
	struct creds_conf cc = conf.creds;

	cc.region = fw.region;
	creds_region(conf.cloudwatch_region, cc.profile, fw.region);
	int rc = svc_path(s, "records/analysis", fw.records, sizeof fw.records);
	if (!rc)
		rc = svc_path(s, "forwarder", dir, sizeof dir);
	if (!rc)
		rc = fs_open_dirs(dir, 0750, &fd);
	if (fd >= 0)
		close(fd);
	if (!rc)
		rc = http_new(s->loop, &hc, &fw.http);
	if (!rc)
		rc = creds_new(&cc, fw.http, &fw.creds);
	if (!rc)
		rc = open_sinks(s);
	if (!rc)
		rc = svc_subscribe(s, "analyzer", "analysis", on_analysis, NULL);
	if (rc) {
		log_error("cannot start", "error=\"%s\"", strerror(-rc));
		close_all();
	}
	return rc;
}

static void tick(struct svc *s)
{
	(void)s;
	for (size_t i = 0; i < NSINKS; i++) {
		uint64_t *v = values + i * M_PER_SINK;
		if (!fw.deliveries[i])
			continue;
		const struct delivery_counts *c = delivery_counts(fw.deliveries[i]);
		v[M_READ] = c->read;
		v[M_DELIVERED] = c->delivered;
		v[M_BATCHES] = c->batches;
		v[M_FILTERED] = c->filtered;
		v[M_RETRIES] = c->retries;
		v[M_STUCK] = c->stuck;
		v[M_GATHERED] = delivery_gathered(fw.deliveries[i]);
		v[M_REFUSED] = c->refused;
		v[M_UNREADABLE] = c->unreadable;
		v[M_SHORTENED] = fw.sinks[i]->counts.shortened;
		v[M_LEFT] = fw.sinks[i]->counts.left;
	}
}

static void drain(struct svc *s)
{
	uint64_t now, end = clock_mono_ns() + DRAIN_MS * 1000000u;
	http_drain(fw.http, DRAIN_MS);
	for (size_t i = 0; i < NSINKS; i++)
		if (fw.deliveries[i])
			delivery_drain(fw.deliveries[i], (now = clock_mono_ns()) < end
								 ? (int)((end - now) / 1000000u)
								 : 0);
	tick(s);
	close_all();
}

static const char *const calls[] = {HTTP_CALLS, KAFKA_CALLS, NULL};

static struct svc_desc desc = {
	.name = "forwarder",
	.details =
		"Reads STATE_DIR/records/analysis from where each destination has come (its "
		"offset\n"
		"is in STATE_DIR/forwarder), woken by the topic `analysis` and by looking every 2 "
		"s.\n"
		"Writes each record to each destination at least once, in order, in batches; an\n"
		"outage of any length loses nothing that is still in the files. Needs the "
		"network,\n"
		"and for CloudWatch Logs credentials with logs:PutLogEvents, logs:CreateLogGroup\n"
		"and logs:CreateLogStream. Prints log lines on standard error, nothing on "
		"standard\n"
		"output.",
	.opts = conf_opts,
	.conf = &conf,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = NSINKS * M_PER_SINK,
	.values = values,
	.check = check,
	.start = start,
	.tick = tick,
	.drain = drain,
	.calls = calls,
};

int main(int argc, char **argv)
{
	return svc_main(&desc, argc, argv);
}
