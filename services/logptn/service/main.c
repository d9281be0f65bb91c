/*
 * lurker-logptn: formats of what attackers send.
 *
 * Records are read by saved offset and counted; the offset and the tables are saved together, so
 * that after a crash each record has been counted exactly once. A format is announced again if the
 * crash came before the state was saved.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "logptn/lib/lines.h"
#include "logptn/lib/model_state.h"
#include "logptn/service/groups.h"
#include "logptn/service/payload.h"
#include "proto/codec.h"
#include "rt/svc.h"

#define S UINT64_C(1000000000)

/* How often records are looked for without being woken, and formats are made anew at most. */
#define LOOK_NS (S / 4)
/* Records a turn, so that the loop stays responsive. */
#define TURN     500
#define EXAMPLES 3u
#define PORTS    16u

enum topic { TOPIC_ANALYSIS, TOPIC_LOG };
static const char *const topics[] = {"analysis", "log", NULL};

static struct conf {
	int topic;
	struct opt_list from;
	int64_t update_interval_s, save_interval_s, keep_days;
	const char *endpoint;
} conf;

#define AT(field) offsetof(struct conf, field)
static const struct opt opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{.name = "topic",
	 .type = OPT_ENUM,
	 .offset = AT(topic),
	 .def = "analysis",
	 .choices = topics,
	 .help = "analysis: payloads in records/analysis; log: plain log lines from the bus"},
	{.name = "from",
	 .type = OPT_LIST,
	 .offset = AT(from),
	 .help = "log: names or endpoints of its producers"},
	{.name = "update_interval_s",
	 .type = OPT_INT,
	 .offset = AT(update_interval_s),
	 .def = "60",
	 .min = 1,
	 .max = 86400,
	 .unit = "s",
	 .help = "how often counts of known formats are published; new formats are at once"},
	{.name = "save_interval_s",
	 .type = OPT_INT,
	 .offset = AT(save_interval_s),
	 .def = "10",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "how often the state is saved"},
	{.name = "keep_days",
	 .type = OPT_INT,
	 .offset = AT(keep_days),
	 .def = "30",
	 .min = 0,
	 .max = 36500,
	 .unit = "days",
	 .help = "how long records/format is kept; 0: for ever"},
	{0},
};

enum {
	M_RECORDS,
	M_LINES,
	M_BAD,
	M_REFUSED,
	M_COARSE,
	M_FORMATS_NEW,
	M_PUBLISHED,
	M_SKELETONS,
	M_GROUPS,
	M_COUNT
};
static const struct metric metrics[M_COUNT] = {
	[M_RECORDS] = {"records", METRIC_COUNTER, "records", "read"},
	[M_LINES] = {"lines", METRIC_COUNTER, "lines", "clustered"},
	[M_BAD] = {"bad_records", METRIC_DROP, "records", "not an analysis record"},
	[M_REFUSED] = {"refused_lines", METRIC_DROP, "lines", "of a protocol beyond the first 64"},
	[M_COARSE] = {"coarse_lines", METRIC_DROP, "lines",
		      "counted under their first word, beyond the limit of skeletons"},
	[M_FORMATS_NEW] = {"formats_new", METRIC_COUNTER, "formats", "never seen before"},
	[M_PUBLISHED] = {"published", METRIC_COUNTER, "messages", "of formats"},
	[M_SKELETONS] = {"skeletons", METRIC_GAUGE, "skeletons", "held"},
	[M_GROUPS] = {"protocols", METRIC_GAUGE, "protocols", "with formats"},
};
static uint64_t values[M_COUNT];

static struct {
	struct groups groups;
	struct records_reader *reader;
	struct records *out;
	struct lines_rule rule;
	uint64_t made_ns, updated_ns, saved_ns;
	bool dirty; /* something to save */
	char state[PATH_MAX];
	struct buf body, json;
} me;

static struct bytes text_of(const char *s)
{
	return bytes_of(s, strlen(s));
}

/* Lines per port over all skeletons of a format. */
static size_t ports_of(const struct formats *f, const struct format *m, struct msg_count *out,
		       char names[][8])
{
	struct tags all = {0};
	size_t n = 0;

	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct tags *g = f->skels->v[m->skel[i]].tags;

		for (uint32_t k = 0; g && k < g->n; k++) {
			uint32_t at = 0;

			while (at < all.n && all.v[at].tag != g->v[k].tag)
				at++;
			if (at == PORTS) {
				all.other += g->v[k].lines;
				continue;
			}
			if (at == all.n)
				all.v[all.n++] = (struct tag){g->v[k].tag, 0};
			all.v[at].lines += g->v[k].lines;
		}
		all.other += g ? g->other : 0;
	}
	for (; n < all.n; n++) {
		snprintf(names[n], 8, "%u", all.v[n].tag & 0xffff);
		out[n] = (struct msg_count){text_of(names[n]), all.v[n].lines};
	}
	if (all.other)
		out[n++] = (struct msg_count){text_of("other"), all.other};
	return n;
}

static size_t examples_of(const struct formats *f, const struct format *m, struct bytes *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nskel && n < EXAMPLES; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		for (unsigned k = 0; k < s->nsamples && n < EXAMPLES; k++)
			out[n++] = bytes_of(s->sample[k]->text, s->sample[k]->len);
	}
	return n;
}

/* To the records first, then to the bus. */
static void publish(void *arg, const struct group *g, const struct formats *f,
		    const struct format *m)
{
	struct svc *s = arg;
	struct bytes examples[EXAMPLES], was[64];
	struct msg_count ports[PORTS + 1];
	char names[PORTS][8];
	char *regex = format_regex(m, REGEX_PCRE);
	struct msg_format msg = {
		.id = text_of(m->id),
		.template = text_of(m->template),
		.count = m->lines,
		.first_seen_ns = m->first_ns,
		.last_seen_ns = m->last_ns,
		.new = m->fresh,
		.app = text_of(g->name),
	};

	if (regex)
		msg.regex = text_of(regex);
	msg.examples.v = examples;
	msg.examples.n = examples_of(f, m, examples);
	msg.was.v = was;
	for (msg.was.n = 0; msg.was.n < m->nwas && msg.was.n < 64; msg.was.n++)
		was[msg.was.n] = text_of(m->was[msg.was.n]);
	msg.ports.v = ports;
	msg.ports.n = ports_of(f, m, ports, names);
	buf_reset(&me.json);
	if (m->fresh || m->nwas) {
		int r = msg_json(&msg_format_schema, &msg, &me.json);

		if (!r)
			r = records_append(me.out, clock_real_ns(), buf_bytes(&me.json));
		if (r)
			log_warn("format not recorded", "error=\"%s\"", strerror(-r));
	}
	buf_reset(&me.body);
	if (!msg_encode(&msg_format_schema, &msg, &me.body) &&
	    !bus_publish(s->bus, "format", buf_bytes(&me.body)))
		values[M_PUBLISHED]++;
	values[M_FORMATS_NEW] += m->fresh;
	free(regex);
}

static int save(void)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX);
	r = groups_save(&me.groups, &b);
	if (!r)
		r = model_state_write(me.state, buf_bytes(&b));
	if (r)
		log_error("state not saved", "path=%s error=\"%s\"", me.state, strerror(-r));
	buf_fini(&b);
	me.saved_ns = clock_mono_ns();
	me.dirty = r != 0;
	return r;
}

static void add(const char *group, uint64_t now_ns, uint32_t port, const uint8_t *line, size_t n)
{
	if (groups_add(&me.groups, group, now_ns ? now_ns : clock_real_ns(), port, line, n))
		log_error("out of memory", NULL);
	else
		values[M_LINES]++;
	me.dirty = true;
}

/* New formats, not more often than LOOK_NS; counts each update_interval_s. */
static void tell(struct svc *s)
{
	uint64_t now = clock_mono_ns();
	bool all = now - me.updated_ns >= (uint64_t)conf.update_interval_s * S;

	if (now - me.made_ns < LOOK_NS && !all)
		return;
	me.made_ns = now;
	if (all)
		me.updated_ns = now;
	if (groups_tell(&me.groups, all, publish, s))
		log_error("out of memory", NULL);
}

static void read_records(void *arg)
{
	struct svc *s = arg;
	struct payload p;
	struct bytes line;
	int r = 0;

	if (!me.reader) {
		char dir[PATH_MAX];

		/* The analyzer makes it when it starts. */
		if (svc_path(s, "records/analysis", dir, sizeof dir) ||
		    records_reader_open(dir, me.groups.pos, &me.reader))
			return;
	}
	for (int i = 0; i < TURN; i++) {
		struct records_pos after;

		r = records_next(me.reader, &line, &after);
		if (r <= 0)
			break;
		me.groups.pos = after;
		me.dirty = true;
		values[M_RECORDS]++;
		if (payload_parse(line, &p)) {
			values[M_BAD]++;
			continue;
		}
		for (unsigned k = 0; k < p.n; k++)
			add(p.line[k].group, p.first_ns, p.port, p.line[k].p, p.line[k].n);
	}
	if (r < 0)
		log_warn("records cannot be read", "error=\"%s\"", strerror(-r));
	loop_busy(s->loop, r > 0 ? read_records : NULL, s);
	tell(s);
	if (me.dirty && clock_mono_ns() - me.saved_ns >= (uint64_t)conf.save_interval_s * S)
		save();
}

static void on_analysis(void *arg, const struct bus_msg *msg)
{
	(void)msg;
	read_records(arg);
}

/* Plain lines, one or more in a message. */
static void on_log(void *arg, const struct bus_msg *msg)
{
	static uint8_t copy[SHAPE_MAX + SHAPE_SLACK];
	const uint8_t *line;
	size_t at = 0, n;

	(void)arg;
	while (lines_next(msg->body.p, msg->body.n, &at, &line, &n, NULL)) {
		n = n < SHAPE_MAX ? n : SHAPE_MAX;
		memcpy(copy, line, n);
		memset(copy + n, 0, SHAPE_SLACK);
		add("log", msg->ts_ns, 0, copy, n);
	}
}

static void each_look(void *arg)
{
	struct svc *s = arg;

	if (conf.topic == TOPIC_ANALYSIS) {
		read_records(s);
		return;
	}
	tell(s);
	if (me.dirty && clock_mono_ns() - me.saved_ns >= (uint64_t)conf.save_interval_s * S)
		save();
}

static int check(struct svc *s)
{
	(void)s;
	if (conf.topic == TOPIC_LOG && !conf.from.n) {
		log_error("configuration", "error=\"topic log needs from: who publishes it\"");
		return -EINVAL;
	}
	return 0;
}

static int load(void)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX);
	r = model_state_read(me.state, &b);
	if (!r && b.n)
		r = groups_load(&me.groups, buf_bytes(&b));
	buf_fini(&b);
	return r;
}

static int start(struct svc *s)
{
	char dir[PATH_MAX];
	int r;

	buf_init(&me.body, 1u << 22);
	buf_init(&me.json, 1u << 22);
	r = svc_path(s, conf.topic == TOPIC_LOG ? "logptn-log.state" : "logptn.state", me.state,
		     sizeof me.state);
	if (!r)
		r = load();
	if (r) {
		log_error("state cannot be read; move it away to start anew",
			  "path=%s error=\"%s\"", me.state, strerror(-r));
		return r;
	}
	r = svc_path(s, "records/format", dir, sizeof dir);
	if (!r)
		r = records_open(dir, conf.keep_days, 2, &me.out);
	if (r) {
		log_error("cannot open records", "path=%s error=\"%s\"", dir, strerror(-r));
		return r;
	}
	me.saved_ns = me.updated_ns = clock_mono_ns();
	if (conf.topic == TOPIC_ANALYSIS)
		r = svc_subscribe(s, "analyzer", "analysis", on_analysis, s);
	for (size_t i = 0; !r && conf.topic == TOPIC_LOG && i < conf.from.n; i++)
		r = svc_subscribe(s, conf.from.v[i], "log", on_log, s);
	if (!r)
		r = loop_every(s->loop, LOOK_NS, each_look, s);
	return r;
}

static void tick(struct svc *s)
{
	uint64_t skeletons = 0, coarse = 0;

	(void)s;
	for (uint32_t i = 0; i < me.groups.n; i++) {
		skeletons += me.groups.v[i].t.n;
		coarse += me.groups.v[i].t.coarse;
	}
	values[M_SKELETONS] = skeletons;
	values[M_COARSE] = coarse;
	values[M_GROUPS] = me.groups.n;
	values[M_REFUSED] = me.groups.refused;
	if (me.out)
		records_tidy(me.out, clock_real_ns(), clock_mono_ns());
}

static void drain(struct svc *s)
{
	if (conf.topic == TOPIC_ANALYSIS)
		read_records(s);
	if (groups_tell(&me.groups, false, publish, s))
		log_error("out of memory", NULL);
	save();
}

static struct svc_desc desc = {
	.name = "logptn",
	.most_in = 16, /* records, which only wake it; lines wait with their publisher */
	.details =
		"Reads STATE_DIR/records/analysis by saved offset, woken by the topic `analysis`,\n"
		"and clusters the first line of each payload by protocol, for HTTP the request\n"
		"line and the user agent. Writes new formats to STATE_DIR/records/format and its\n"
		"state to STATE_DIR/logptn.state, and publishes `format`: new formats within a\n"
		"second, counts of known ones each update_interval_s. With --topic log it takes\n"
		"plain log lines from the bus instead. Needs no privilege. Prints log lines on\n"
		"standard error, nothing on standard output. The command logptn(1) does the same\n"
		"to files.",
	.opts = opts,
	.conf = &conf,
	.endpoint = &conf.endpoint,
	.metrics = metrics,
	.nmetrics = M_COUNT,
	.values = values,
	.check = check,
	.start = start,
	.tick = tick,
	.drain = drain,
};

int main(int argc, char **argv)
{
	int code = svc_main(&desc, argc, argv);

	records_reader_close(&me.reader);
	records_close(&me.out);
	groups_fini(&me.groups);
	buf_fini(&me.body);
	buf_fini(&me.json);
	return code;
}
