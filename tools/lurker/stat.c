/*
 * stat: a table of every service, redrawn each second. What was turned away or missed stands in
 * plain sight; zero counters stay out of the way.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus_listener.h"
#include "front.h"
#include "proto/codec.h"
#include "term.h"

#define SERVICES_MAX (NSERVICES + 1) /* and `lurker up` */
#define COUNTS_MAX   256
#define NAME_MAX_LEN 40
#define ALERTS_MAX   4

struct value_counts {
	char name[NAME_MAX_LEN];
	uint64_t value, before;
	char kind; /* c counter, g gauge, d drop */
};

struct service {
	char name[24];
	uint64_t epoch, pid, start_ns, rss, cpu_ns, cpu_before_ns, seen_ns, before_ns;
	uint64_t missed, restarts;
	struct value_counts count[COUNTS_MAX];
	size_t n;
};

struct stat_conf {
	bool json, all, once;
};

struct view {
	struct stat_conf conf;
	struct bus_listener listen;
	struct service service[SERVICES_MAX];
	size_t n;
	char alert[ALERTS_MAX][256]; /* newest first */
	uint8_t *arena;
	uint64_t began_ns;
	bool terminal;
};

#define ARENA_BYTES (1u << 20)

#define AT(field) offsetof(struct stat_conf, field)
static const struct opt opts[] = {
	{.name = "once",
	 .flag = '1',
	 .type = OPT_BOOL,
	 .offset = AT(once),
	 .def = "false",
	 .help = "print one table after two seconds and end"},
	{.name = "all",
	 .flag = 'a',
	 .type = OPT_BOOL,
	 .offset = AT(all),
	 .def = "false",
	 .help = "show counters that are zero too"},
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = AT(json),
	 .def = "false",
	 .help = "print every stat message as a JSON line instead"},
	{0},
};
#undef AT

static struct service *service_of(struct view *v, struct bytes name)
{
	for (size_t i = 0; i < v->n; i++)
		if (bytes_eq(name, bytes_str(v->service[i].name)))
			return &v->service[i];
	if (v->n == SERVICES_MAX)
		return NULL;
	struct service *s = &v->service[v->n++];
	snprintf(s->name, sizeof s->name, "%.*s", (int)name.n, (const char *)name.p);
	return s;
}

static void take_counts(struct service *s, const struct msg_counts *counts, char kind)
{
	for (size_t i = 0; i < counts->n; i++) {
		struct bytes name = counts->v[i].name;
		size_t k;
		for (k = 0; k < s->n; k++)
			if (bytes_eq(name, bytes_str(s->count[k].name)))
				break;
		if (k == COUNTS_MAX || name.n >= NAME_MAX_LEN)
			continue;
		if (k == s->n) {
			s->n++;
			s->count[k] = (struct value_counts){.kind = kind};
			memcpy(s->count[k].name, name.p, name.n);
			s->count[k].before = counts->v[i].count;
		} else {
			s->count[k].before = s->count[k].value;
		}
		s->count[k].value = counts->v[i].count;
	}
}

static uint64_t value_of(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->count[i].name, name) == 0)
			return s->count[i].value;
	return 0;
}

static void take_stat(struct view *v, const struct bus_msg *m, const struct msg_stat *st)
{
	struct service *s = service_of(v, m->producer);
	if (!s)
		return;
	if (s->epoch && s->epoch != m->epoch) {
		s->restarts++;
		s->n = 0; /* counters begin anew */
		s->cpu_ns = 0;
	}
	s->epoch = m->epoch;
	s->before_ns = s->seen_ns;
	s->seen_ns = m->ts_ns;
	s->cpu_before_ns = s->cpu_ns;
	s->cpu_ns = st->cpu_ns;
	s->pid = st->pid;
	s->start_ns = st->start_ns;
	s->rss = st->rss_bytes;
	s->missed += m->missed;
	take_counts(s, &st->counters, 'c');
	take_counts(s, &st->gauges, 'g');
	take_counts(s, &st->drops, 'd');
}

static void take_alert(struct view *v, const struct bus_msg *m, const struct msg_alert *a)
{
	char when[16], text[200];
	memmove(v->alert[1], v->alert[0], sizeof v->alert - sizeof v->alert[0]);
	term_clock(when, a->ts_ns);
	term_text(text, sizeof text, a->message, 120);
	snprintf(v->alert[0], sizeof v->alert[0], "%sZ %.*s: %s", when, (int)m->producer.n,
		 (const char *)m->producer.p, text);
}

static uint64_t restarts_of(const struct view *v, const struct service *s)
{
	char name[48];
	snprintf(name, sizeof name, "%s_restarts", s->name);
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->service[i].name, "up") == 0) {
			uint64_t told = value_of(&v->service[i], name);
			return told > s->restarts ? told : s->restarts;
		}
	return s->restarts;
}

/* Counters of one service, several a line: name value (+rate/s). */
static void draw_counts(const struct view *v, const struct service *s)
{
	int column = 0;
	uint64_t span = s->seen_ns > s->before_ns && s->before_ns ? s->seen_ns - s->before_ns : 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct value_counts *c = &s->count[i];
		if (c->kind == 'd' || (!c->value && !v->conf.all))
			continue;
		char value[16], cell[96];
		if (strlen(c->name) > 6 && strcmp(c->name + strlen(c->name) - 6, "_bytes") == 0)
			term_bytes(value, c->value);
		else
			term_quantity(value, c->value);
		uint64_t rate = span && c->kind == 'c' && c->value > c->before
					? (c->value - c->before) * NS_PER_S / span
					: 0;
		char per_second[16];
		term_quantity(per_second, rate);
		int n = snprintf(cell, sizeof cell, "%s %s%s%s%s", c->name, value,
				 rate ? " (+" : "", rate ? per_second : "", rate ? "/s)" : "");
		if (column && column + n + 2 > 96) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%s", column ? "   " : "    ", cell);
	}
	if (column)
		putchar('\n');
}

static void draw_drops(const struct view *v, const struct service *s)
{
	const char *red = v->terminal ? "\033[31m" : "", *plain = v->terminal ? "\033[0m" : "";
	for (size_t i = 0; i < s->n; i++) {
		const struct value_counts *c = &s->count[i];
		if (c->kind != 'd' || (!c->value && !v->conf.all))
			continue;
		printf("    %sDROPPED %s %llu (+%llu)%s\n", c->value ? red : "", c->name,
		       (unsigned long long)c->value,
		       (unsigned long long)(c->value > c->before ? c->value - c->before : 0),
		       c->value ? plain : "");
	}
	if (s->missed)
		printf("    %sMISSED %llu stat messages on the bus%s\n", red,
		       (unsigned long long)s->missed, plain);
}

static void draw(struct view *v)
{
	uint64_t now = clock_real_ns();
	if (v->terminal && !v->conf.once)
		fputs("\033[H\033[J", stdout);
	printf("%-10s %-8s %8s %7s %9s %6s  %s\n", "SERVICE", "STATE", "UP", "PID", "MEMORY", "CPU",
	       "RESTARTS");
	for (size_t i = 0; i < v->n; i++) {
		const struct service *s = &v->service[i];
		if (strcmp(s->name, "up") == 0)
			continue;
		char up[16], rss[16], cpu[16] = "-";
		bool live = now < s->seen_ns + 5 * NS_PER_S;
		term_span(up, now > s->start_ns ? now - s->start_ns : 0);
		term_bytes(rss, s->rss);
		if (s->before_ns && s->seen_ns > s->before_ns && s->cpu_before_ns)
			snprintf(cpu, sizeof cpu, "%.1f%%",
				 100.0 * (double)(s->cpu_ns - s->cpu_before_ns) /
					 (double)(s->seen_ns - s->before_ns));
		printf("%-10s %-8s %8s %7llu %9s %6s  %llu\n", s->name, live ? "up" : "SILENT",
		       live ? up : "-", (unsigned long long)s->pid, rss, cpu,
		       (unsigned long long)restarts_of(v, s));
		draw_counts(v, s);
		draw_drops(v, s);
	}
	if (!v->n)
		printf("no service is publishing in %s\n", "the run directory");
	for (size_t i = 0; i < ALERTS_MAX && *v->alert[i]; i++)
		printf("%s%s\n", i ? "       " : "ALERTS ", v->alert[i]);
	if (fflush(stdout) != 0)
		loop_stop(v->listen.loop);
}

static void on_message(void *arg, const struct bus_msg *m)
{
	struct view *v = arg;
	struct msg_arena arena = {.p = v->arena, .n = ARENA_BYTES};
	if (bytes_eq(m->topic, bytes_str("alert"))) {
		struct msg_alert a;
		if (msg_decode(&msg_alert_schema, m->body, &a, &arena) == 0)
			take_alert(v, m, &a);
		return;
	}
	struct msg_stat st;
	if (msg_decode(&msg_stat_schema, m->body, &st, &arena) != 0)
		return;
	if (v->conf.json) {
		struct buf b;
		buf_init(&b, 1u << 20);
		msg_json(&msg_stat_schema, &st, &b);
		printf("{\"service\":\"%.*s\",\"ts_ns\":%llu,%.*s\n", (int)m->producer.n,
		       (const char *)m->producer.p, (unsigned long long)m->ts_ns, (int)b.n - 1,
		       (const char *)b.p + 1);
		buf_fini(&b);
		if (fflush(stdout) != 0)
			loop_stop(v->listen.loop);
	}
	take_stat(v, m, &st);
}

static void on_second(void *arg)
{
	struct view *v = arg;
	bool due = clock_mono_ns() - v->began_ns > 2 * NS_PER_S;
	if (!v->conf.json && (!v->conf.once || due))
		draw(v);
	if (v->conf.once && due)
		loop_stop(v->listen.loop);
}

int front_stat(int argc, char **argv)
{
	static const struct front_usage usage = {
		"stat", "",
		"Shows every service that publishes on this host: state, memory, processor, "
		"restarts, counters with\n"
		"their rates, and in plain sight what was dropped or missed, and alerts (such as "
		"the hole a\n"
		"restarted capture left).\n\n"
		"Reads: the sockets in the run directory. Needs: the right to open them (group "
		"lurker).\n"
		"Prints: a table each second. Exit code with --once: 0 when a service was seen, "
		"else 1."};
	static struct view v;
	static struct svc_common common;
	struct opt_section own = {"", opts, &v.conf};
	int code = front_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	static const char *const topics[] = {"stat", "alert"};
	v.began_ns = clock_mono_ns();
	v.terminal = isatty(STDOUT_FILENO);
	v.arena = malloc(ARENA_BYTES);
	code = 1;
	if (v.arena && bus_listener_open(&v.listen, &common, topics, 2, on_message, &v) == 0 &&
	    loop_every(v.listen.loop, NS_PER_S, on_second, &v) == 0)
		code = loop_run(v.listen.loop) || (v.conf.once && !v.n) ? 1 : 0;
	bus_listener_close(&v.listen);
	free(v.arena);
	return code;
}
