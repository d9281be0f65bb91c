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

#include "conf.h"
#include "lane.h"
#include "proto/codec.h"
#include "rt/spool_dir.h"
#include "rt/svc.h"
#include "sinks.h"

#define S 1000000000u
/* Requests at once: one a sink, and one for credentials. */
#define HTTP_AT_ONCE 8

static struct conf conf;

enum { SINK_CLOUDWATCH, SINK_WEBHOOK, SINK_SLACK, SINKS };

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

/* The same rows for each sink, under its name. */
#define ROWS(sink)                                                                                \
	{sink "_read", METRIC_COUNTER, "records", "read from the files"},                         \
		{sink "_delivered", METRIC_COUNTER, "records", "taken by the destination"},       \
		{sink "_batches", METRIC_COUNTER, "requests", "in so many deliveries"},           \
		{sink "_filtered", METRIC_COUNTER, "records", "not wanted by the filter"},        \
		{sink "_retries", METRIC_COUNTER, "tries", "deliveries that failed"},             \
		{sink "_stuck", METRIC_COUNTER, "tries",                                          \
		 "of these, for a reason that needs a person"},                                   \
		{sink "_gathered", METRIC_GAUGE, "records", "read and not yet delivered"},        \
		{sink "_shortened", METRIC_COUNTER, "records",                                    \
		 "cut to what the destination takes"},                                            \
		{sink "_left", METRIC_DROP, "records", "too large, too old or too new for it"},   \
		{sink "_refused", METRIC_DROP, "records", "refused by the destination for good"}, \
	{                                                                                         \
		sink "_unreadable", METRIC_DROP, "records", "lines that are no JSON object"       \
	}

static const struct metric metrics[SINKS * M_PER_SINK] = {ROWS("cloudwatch"), ROWS("webhook"),
							  ROWS("slack")};
static uint64_t values[SINKS * M_PER_SINK];

static struct {
	struct http *http;
	struct creds_chain *creds;
	struct sink *sinks[SINKS];
	struct lane *lanes[SINKS];
	struct filter filters[SINKS];
	char region[32], records[PATH_MAX], offsets[SINKS][PATH_MAX];
} fw;

static bool given(const char *text)
{
	return text && *text;
}

static bool url_valid(const char *url)
{
	return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static int check(struct svc *s)
{
	char err[256] = "";
	const struct opt_list *terms[SINKS] = {&conf.cloudwatch_filter, &conf.webhook_filter,
					       &conf.slack_filter};
	(void)s;
	for (size_t i = 0; !err[0] && i < SINKS; i++)
		filter_parse(terms[i], &fw.filters[i], err, sizeof err);
	if (err[0])
		;
	else if (!given(conf.cloudwatch_group) && !given(conf.webhook_url) &&
		 !given(conf.slack_url))
		snprintf(err, sizeof err,
			 "no destination: set cloudwatch_group, webhook_url or slack_url in "
			 "forwarder:");
	else if (given(conf.webhook_url) && !url_valid(conf.webhook_url))
		snprintf(err, sizeof err, "webhook_url: expected http:// or https://");
	else if (given(conf.slack_url) && !url_valid(conf.slack_url))
		snprintf(err, sizeof err, "slack_url: expected http:// or https://");
	else if (given(conf.cloudwatch_endpoint) && !url_valid(conf.cloudwatch_endpoint))
		snprintf(err, sizeof err, "cloudwatch_endpoint: expected http:// or https://");
	else if (given(conf.creds.key_id) != given(conf.creds.secret_file))
		snprintf(err, sizeof err, "access_key_id and secret_file go together");
	if (!err[0])
		return 0;
	log_error("configuration", "error=\"%s\"", err);
	return -EINVAL;
}

static void trouble(void *arg, const char *sink, bool begins, bool stuck, const char *message)
{
	struct msg_alert a = {
		.kind = bytes_str("forward"),
		.severity = bytes_str(!begins ? "info"
				      : stuck ? "critical"
					      : "warning"),
		.message = bytes_str(message),
		.ts_ns = clock_real_ns(),
		.state = bytes_str(begins ? "begin" : "end"),
	};
	(void)sink;
	svc_alert(arg, &a);
}

static void on_analysis(void *arg, const struct bus_msg *msg)
{
	(void)arg, (void)msg;
	for (size_t i = 0; i < SINKS; i++)
		if (fw.lanes[i])
			lane_wake(fw.lanes[i]);
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
	for (size_t i = 0; i < SINKS; i++) {
		lane_free(&fw.lanes[i]);
		if (fw.sinks[i])
			fw.sinks[i]->class->free(fw.sinks[i]);
		fw.sinks[i] = NULL;
	}
	creds_free(&fw.creds);
	http_free(&fw.http);
}

static int open_lane(struct svc *s, size_t i)
{
	char relative[64];
	snprintf(relative, sizeof relative, "forwarder/%s.offset", fw.sinks[i]->class->name);
	int rc = svc_path(s, relative, fw.offsets[i], PATH_MAX);
	const struct lane_conf lc = {
		.records = fw.records,
		.offset = fw.offsets[i],
		.first_day = conf.begin == CONF_TODAY ? today() : 0,
		.filter = fw.filters[i],
		.linger_ns = (uint64_t)conf.linger_s * S,
		.retry_first_ns = S / 2,
		.retry_max_ns = (uint64_t)conf.retry_max_s * S,
		.stuck_ns = 60u * (uint64_t)S,
	};
	return rc ? rc : lane_new(s->loop, fw.sinks[i], &lc, trouble, s, &fw.lanes[i]);
}

static int open_sinks(struct svc *s)
{
	const struct sinks_env env = {fw.http, fw.creds};
	const struct logs_conf cw = {
		.group = conf.cloudwatch_group,
		.stream = given(conf.cloudwatch_stream) ? conf.cloudwatch_stream : s->common.sensor,
		.region = fw.region,
		.endpoint = conf.cloudwatch_endpoint,
	};
	const struct webhook_conf wh = {.url = conf.webhook_url,
					.token_file = conf.webhook_token_file,
					.max_bytes = conf.webhook_max_bytes};
	const struct slack_conf sl = {.url = conf.slack_url,
				      .every_ns = (uint64_t)conf.slack_every_s * S};
	int rc = 0;
	if (given(cw.group))
		rc = sink_cloudwatch_new(&env, &cw, &fw.sinks[SINK_CLOUDWATCH]);
	if (!rc && given(wh.url))
		rc = sink_webhook_new(&env, &wh, &fw.sinks[SINK_WEBHOOK]);
	if (!rc && given(sl.url))
		rc = sink_slack_new(&env, &sl, &fw.sinks[SINK_SLACK]);
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
				     .answer_max = 65536};
	struct creds_conf cc = conf.creds;

	cc.region = fw.region;
	creds_region(conf.cloudwatch_region, cc.profile, fw.region);
	int rc = svc_path(s, "records/analysis", fw.records, sizeof fw.records);
	if (!rc)
		rc = svc_path(s, "forwarder", dir, sizeof dir);
	if (!rc)
		rc = spool_opendirs(dir, &fd);
	if (fd >= 0)
		close(fd);
	if (!rc)
		rc = http_new(s->loop, &hc, &fw.http);
	if (!rc)
		rc = creds_new(&cc, fw.http, &fw.creds);
	if (!rc)
		rc = open_sinks(s);
	for (size_t i = 0; !rc && i < SINKS; i++)
		if (fw.sinks[i])
			rc = open_lane(s, i);
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
	for (size_t i = 0; i < SINKS; i++) {
		uint64_t *v = values + i * M_PER_SINK;
		if (!fw.lanes[i])
			continue;
		const struct lane_counts *c = lane_counts(fw.lanes[i]);
		v[M_READ] = c->read;
		v[M_DELIVERED] = c->delivered;
		v[M_BATCHES] = c->batches;
		v[M_FILTERED] = c->filtered;
		v[M_RETRIES] = c->retries;
		v[M_STUCK] = c->stuck;
		v[M_GATHERED] = lane_gathered(fw.lanes[i]);
		v[M_REFUSED] = c->refused;
		v[M_UNREADABLE] = c->unreadable;
		v[M_SHORTENED] = fw.sinks[i]->counts.shortened;
		v[M_LEFT] = fw.sinks[i]->counts.left;
	}
}

static void drain(struct svc *s)
{
	for (size_t i = 0; i < SINKS; i++)
		if (fw.lanes[i])
			lane_drain(fw.lanes[i], 4000);
	tick(s);
	close_all();
}

static const char *const calls[] = {HTTP_CALLS, NULL};

static struct svc_desc desc = {
	.name = "forwarder",
	.summary = "delivers records to CloudWatch Logs, webhooks and Slack",
	.patient = true,
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
	.nmetrics = SINKS * M_PER_SINK,
	.values = values,
	.check = check,
	.start = start,
	.tick = tick,
	.drain = drain,
	.calls = calls,
};

int main(int argc, char **argv)
{
	desc.nopts = conf_nopts;
	return svc_main(&desc, argc, argv);
}
