#include "forwarder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cloud/http_client.h"

/* Requests at once: one a destination, and some for credentials. */
#define HTTP_AT_ONCE (SINKS + 4)
/* A response is a few hundred bytes. */
#define RESPONSE_MAX 65536
#define CONNECT_MS   10000
/* Of the ten seconds a service has to end, for all deliveries in progress together. */
#define DRAIN_MS 5000

void forwarder_init(struct forwarder *f)
{
	static const struct metric rows[FORWARDER_COUNTS] = {
#define COUNT METRIC_ROW
#include "forwarder/counts.def"
	};
	for (size_t i = 0; i < FORWARDER_METRICS; i++) {
		const struct sink_row *sink = &sinks[i / FORWARDER_COUNTS];
		struct metric m = rows[i % FORWARDER_COUNTS];
		snprintf(f->texts[i].name, sizeof f->texts[i].name, "%s_%s", sink->name, m.name);
		snprintf(f->texts[i].help, sizeof f->texts[i].help, "%s: %s", sink->title, m.help);
		m.name = f->texts[i].name;
		m.help = f->texts[i].help;
		f->metrics[i] = m;
	}
}

static bool given(const char *text)
{
	return text && *text;
}

static int forwarder_check_sinks(struct forwarder *f, char *why, size_t n)
{
	bool any = false;
	int rc = 0;
	for (size_t i = 0; !rc && i < SINKS; i++) {
		const struct sink_class *class = sinks[i].class;
		bool wanted = sinks_wanted(&sinks[i], &f->conf);
		rc = sink_filter_parse(sinks_filter(&sinks[i], &f->conf),
				       &f->destinations[i].filter, why, n);
		any = any || wanted;
		if (!rc && wanted && class->check)
			rc = class->check(&f->conf, why, n);
	}
	if (rc || any)
		return rc;
	int at = snprintf(why, n, "no destination: in forwarder: give one of");
	for (size_t i = 0; i < SINKS && (size_t)at < n; i++)
		at += snprintf(why + at, n - (size_t)at, " %s", sinks[i].on);
	return -EINVAL;
}

int forwarder_check(struct svc *s)
{
	struct forwarder *f = s->state;
	char why[256] = "";
	int rc = forwarder_check_sinks(f, why, sizeof why);
	if (!rc && given(f->conf.creds.key_id) != given(f->conf.creds.secret_file)) {
		snprintf(why, sizeof why, "access_key_id and secret_file go together");
		rc = -EINVAL;
	}
	if (rc)
		log_error("configuration", "error=\"%s\"", why);
	return rc;
}

/* A system call that no destination in use needs stays forbidden. */
int forwarder_open(struct svc *s)
{
	static const char *const http[] = {HTTP_CALLS};
	struct forwarder *f = s->state;
	size_t n = 0;
	for (size_t i = 0; i < sizeof http / sizeof *http; i++)
		f->calls[n++] = http[i];
	for (size_t i = 0; i < SINKS; i++) {
		const char *const *call = sinks[i].class->calls;
		for (; call && *call && sinks_wanted(&sinks[i], &f->conf); call++) {
			if (n == FORWARDER_CALLS_MAX - 1)
				return -E2BIG;
			f->calls[n++] = *call;
		}
	}
	return 0;
}

static void forwarder_alert(void *arg, bool begins, bool stuck, const char *message)
{
	svc_trouble(arg, "forward", begins, stuck, message);
}

static void forwarder_on_analysis(void *arg, const struct bus_msg *msg)
{
	struct forwarder *f = arg;
	(void)msg;
	for (size_t i = 0; i < SINKS; i++)
		if (f->destinations[i].delivery)
			delivery_wake(f->destinations[i].delivery);
}

static uint32_t forwarder_today(void)
{
	time_t now = time(NULL);
	struct tm t;
	gmtime_r(&now, &t);
	return (uint32_t)((t.tm_year + 1900) * 10000 + (t.tm_mon + 1) * 100 + t.tm_mday);
}

static void forwarder_close(struct forwarder *f)
{
	for (size_t i = 0; i < SINKS; i++) {
		struct destination *d = &f->destinations[i];
		delivery_free(&d->delivery);
		if (d->sink)
			d->sink->class->free(d->sink);
		d->sink = NULL;
	}
	creds_free(&f->creds);
	http_free(&f->http);
}

static int forwarder_open_sink(struct svc *s, size_t i)
{
	struct forwarder *f = s->state;
	struct destination *d = &f->destinations[i];
	const struct sink_env env = {.conf = &f->conf,
				     .loop = s->loop,
				     .http = f->http,
				     .creds = f->creds,
				     .region = f->region,
				     .sensor = s->common.sensor};
	const struct delivery_conf dc = {
		.records = f->records,
		.offset = d->offset,
		.first_day = f->conf.begin == CONF_TODAY ? forwarder_today() : 0,
		.filter = d->filter,
		.linger_ns = (uint64_t)f->conf.linger_s * NS_PER_S,
		.retry_first_ns = NS_PER_S / 2,
		.retry_max_ns = (uint64_t)f->conf.retry_max_s * NS_PER_S,
		.stuck_ns = 60 * NS_PER_S,
	};
	char relative[64];
	snprintf(relative, sizeof relative, "forwarder/%s.offset", sinks[i].name);
	int rc = svc_path(s, relative, d->offset, sizeof d->offset);
	if (!rc)
		rc = sinks[i].class->new (&env, &d->sink);
	return rc ? rc : delivery_new(s->loop, d->sink, &dc, forwarder_alert, s, &d->delivery);
}

/* The folder of the offsets. */
static int forwarder_make_folder(struct svc *s)
{
	char dir[PATH_MAX];
	int rc = svc_path(s, "forwarder", dir, sizeof dir);
	return rc ? rc : fs_make_dirs(AT_FDCWD, dir, 0750, FS_FILE_AND_DIR);
}

int forwarder_start(struct svc *s)
{
	struct forwarder *f = s->state;
	const struct http_conf hc = {.calls = HTTP_AT_ONCE,
				     .ca_file = f->conf.ca_file,
				     .connect_ms = CONNECT_MS,
				     .stall_s = f->conf.stall_s,
				     .response_max = RESPONSE_MAX};
	struct creds_conf cc = f->conf.creds;

	f->svc = s;
	cc.region = f->region;
	creds_region(f->conf.cloudwatch_region, cc.profile, f->region);
	int rc = svc_path(s, "records/analysis", f->records, sizeof f->records);
	if (!rc)
		rc = forwarder_make_folder(s);
	if (!rc)
		rc = http_new(s->loop, &hc, &f->http);
	if (!rc)
		rc = creds_new(&cc, f->http, &f->creds);
	for (size_t i = 0; !rc && i < SINKS; i++)
		if (sinks_wanted(&sinks[i], &f->conf))
			rc = forwarder_open_sink(s, i);
	if (!rc)
		rc = svc_subscribe(s, "analyzer", "analysis", forwarder_on_analysis, f);
	if (rc) {
		log_error("cannot start", "error=\"%s\"", strerror(-rc));
		forwarder_close(f);
	}
	return rc;
}

void forwarder_tick(struct svc *s)
{
	struct forwarder *f = s->state;
	for (size_t i = 0; i < SINKS; i++) {
		const struct destination *d = &f->destinations[i];
		uint64_t *v = f->values + i * FORWARDER_COUNTS;
		if (!d->delivery)
			continue;
		const struct delivery_counts *c = delivery_counts(d->delivery);
		v[FORWARDER_READ] = c->read;
		v[FORWARDER_DELIVERED] = c->delivered;
		v[FORWARDER_BATCHES] = c->batches;
		v[FORWARDER_FILTERED] = c->filtered;
		v[FORWARDER_RETRIES] = c->retries;
		v[FORWARDER_STUCK] = c->stuck;
		v[FORWARDER_GATHERED] = delivery_gathered(d->delivery);
		v[FORWARDER_REFUSED] = c->refused;
		v[FORWARDER_UNREADABLE] = c->unreadable;
		v[FORWARDER_SHORTENED] = d->sink->counts.shortened;
		v[FORWARDER_LEFT] = d->sink->counts.left;
	}
}

void forwarder_drain(struct svc *s)
{
	struct forwarder *f = s->state;
	uint64_t now, end = clock_mono_ns() + DRAIN_MS * NS_PER_MS;
	http_drain(f->http, DRAIN_MS);
	for (size_t i = 0; i < SINKS; i++)
		if (f->destinations[i].delivery)
			delivery_drain(
				f->destinations[i].delivery,
				(now = clock_mono_ns()) < end ? (int)((end - now) / NS_PER_MS) : 0);
	forwarder_tick(s);
	forwarder_close(f);
}
