/*
 * lurker-logptn: log templates of what attackers send. logptn's formats are log templates: constant
 * text with typed values in it.
 */
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "logptn/service/announce.h"
#include "logptn/service/conf.h"
#include "logptn/service/learning.h"
#include "rt/svc.h"

/* How often records are looked for without being woken. */
#define LOOK_NS (NS_PER_S / 4)
/* Records a turn, so that the loop stays responsive. */
#define TURN 500

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "logptn/service/counts.def"
};

struct logptn_service {
	struct svc *svc;
	struct logptn_conf conf;
	struct learning learning;
	struct records_reader *reader; /* NULL: the folder is not there yet */
	struct announcer announcer;
};

/* The analyzer makes the folder when it starts. */
static bool logptn_open_records(struct logptn_service *l)
{
	char dir[PATH_MAX];

	return l->reader || (!svc_path(l->svc, "records/analysis", dir, sizeof dir) &&
			     !records_reader_open(dir, l->learning.groups.pos, &l->reader));
}

static void logptn_read(void *arg)
{
	struct logptn_service *l = arg;
	struct bytes line;
	int r = 0;

	if (!logptn_open_records(l))
		return;
	for (int i = 0; i < TURN; i++) {
		struct records_pos after;

		r = records_next(l->reader, &line, &after);
		if (r <= 0)
			break;
		l->learning.groups.pos = after;
		learning_record(&l->learning, line);
	}
	if (r < 0)
		log_warn("records cannot be read", "error=\"%s\"", strerror(-r));
	loop_busy(l->svc->loop, r > 0 ? logptn_read : NULL, l);
	learning_tell(&l->learning, announce_format, &l->announcer);
	learning_save_due(&l->learning);
}

static void logptn_on_analysis(void *arg, const struct bus_msg *msg)
{
	(void)msg;
	logptn_read(arg);
}

static void logptn_on_log(void *arg, const struct bus_msg *msg)
{
	struct logptn_service *l = arg;

	learning_lines(&l->learning, msg->body, msg->ts_ns);
}

static void logptn_look(void *arg)
{
	struct logptn_service *l = arg;

	if (l->conf.topic == LOGPTN_TOPIC_ANALYSIS) {
		logptn_read(l);
		return;
	}
	learning_tell(&l->learning, announce_format, &l->announcer);
	learning_save_due(&l->learning);
}

static int logptn_check(struct svc *s)
{
	struct logptn_service *l = s->state;

	return conf_check(&l->conf);
}

static int logptn_start(struct svc *s)
{
	struct logptn_service *l = s->state;
	bool log = l->conf.topic == LOGPTN_TOPIC_LOG;
	char path[PATH_MAX];
	int r;

	l->svc = s;
	l->learning.update_ns = (uint64_t)l->conf.update_interval_s * NS_PER_S;
	l->learning.save_ns = (uint64_t)l->conf.save_interval_s * NS_PER_S;
	r = svc_path(s, log ? "logptn-log.state" : "logptn.state", path, sizeof path);
	if (!r)
		r = learning_load(&l->learning, path);
	if (r)
		return r;
	r = svc_path(s, "records/format", path, sizeof path);
	if (!r)
		r = announce_open(&l->announcer, path, l->conf.keep_days, s->bus);
	if (r)
		return r;
	if (!log)
		r = svc_subscribe(s, "analyzer", "analysis", logptn_on_analysis, l);
	for (size_t i = 0; !r && log && i < l->conf.from.n; i++)
		r = svc_subscribe(s, l->conf.from.v[i], "log", logptn_on_log, l);
	return r ? r : loop_every(s->loop, LOOK_NS, logptn_look, l);
}

static void logptn_tick(struct svc *s)
{
	struct logptn_service *l = s->state;

	learning_gauges(&l->learning);
	l->learning.values[LOGPTN_PUBLISHED] = l->announcer.published;
	l->learning.values[LOGPTN_FORMATS_NEW] = l->announcer.fresh;
	if (l->announcer.out)
		records_tidy(l->announcer.out, clock_real_ns(), clock_mono_ns());
}

static void logptn_drain(struct svc *s)
{
	struct logptn_service *l = s->state;

	if (l->conf.topic == LOGPTN_TOPIC_ANALYSIS)
		logptn_read(l);
	learning_tell_new(&l->learning, announce_format, &l->announcer);
	learning_save(&l->learning);
}

int main(int argc, char **argv)
{
	static struct logptn_service state;
	static const struct svc_desc desc = {
		.name = "logptn",
		.most_in = 16, /* records only wake it; lines wait with their publisher */
		.details = logptn_details,
		.opts = logptn_opts,
		.conf = &state.conf,
		.state = &state,
		.endpoint = &state.conf.endpoint,
		.metrics = metrics,
		.nmetrics = LOGPTN_COUNTS,
		.values = state.learning.values,
		.check = logptn_check,
		.start = logptn_start,
		.tick = logptn_tick,
		.drain = logptn_drain,
	};
	int code = svc_main(&desc, argc, argv);

	records_reader_close(&state.reader);
	announce_close(&state.announcer);
	learning_fini(&state.learning);
	return code;
}
