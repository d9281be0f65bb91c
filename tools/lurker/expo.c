#include "expo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proto/utf8.h"

struct row {
	char name[40], unit[16], help[160];
	enum metric_kind kind;
	bool known; /* a value came in the present epoch */
	uint64_t value;
};

struct service {
	char name[24], sensor[65];
	bool expected, heard;
	uint64_t seen_ns, epoch, start_ns, rss_bytes, cpu_ns;
	uint64_t restarts; /* starts seen here after the first */
	uint64_t told;     /* restarts as `lurker up` counts them */
	uint64_t missed;
	struct row *row;
	size_t n;
};

struct expo {
	struct service service[EXPO_SERVICES];
	size_t n;
	const char *sensor;
	uint64_t silent_ns, undeclared, turned_away;
	struct expo_disk disk;
};

struct expo *expo_new(const char *sensor, uint64_t silent_ns)
{
	struct expo *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->sensor = sensor;
	e->silent_ns = silent_ns;
	return e;
}

void expo_free(struct expo **e)
{
	if (!*e)
		return;
	for (size_t i = 0; i < (*e)->n; i++)
		free((*e)->service[i].row);
	free(*e);
	*e = NULL;
}

/* Part of a metric's name: it must not need quoting there. */
static bool is_name(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!((b.p[i] >= 'a' && b.p[i] <= 'z') || (b.p[i] >= '0' && b.p[i] <= '9') ||
		      b.p[i] == '_'))
			return false;
	return b.n > 0;
}

/* A label's value, without what the format gives a meaning. */
static void take_label(char *out, size_t n, struct bytes b)
{
	size_t k = b.n < n - 1 ? b.n : n - 1;
	for (size_t i = 0; i < k; i++)
		out[i] = (char)(b.p[i] < 0x20 || b.p[i] == '"' || b.p[i] == '\\' ? '.' : b.p[i]);
	out[k] = '\0';
	utf8_dot((uint8_t *)out, k);
}

/* The service of that name, made if there is room. */
static struct service *service_of(struct expo *e, struct bytes name)
{
	for (size_t i = 0; i < e->n; i++)
		if (bytes_eq(name, bytes_str(e->service[i].name)))
			return &e->service[i];
	if (e->n == EXPO_SERVICES || name.n >= sizeof e->service->name || !is_name(name))
		return NULL;
	struct service *s = &e->service[e->n++];
	memcpy(s->name, name.p, name.n);
	take_label(s->sensor, sizeof s->sensor, bytes_str(e->sensor));
	return s;
}

int expo_expect(struct expo *e, const char *service)
{
	struct service *s = service_of(e, bytes_str(service));
	if (!s)
		return -ENOSPC;
	s->expected = true;
	return 0;
}

static int kind_of(const char *text, enum metric_kind *kind)
{
	static const char *const kinds[] = {"counter", "gauge", "drop"};
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(text, kinds[i]) == 0) {
			*kind = (enum metric_kind)i;
			return 0;
		}
	return -EINVAL;
}

int expo_declare(struct expo *e, const char *service, const char *line)
{
	struct row r = {.known = false};
	char kind[8] = "";
	int at = 0;
	if (sscanf(line, "%39s %7s %15s %n", r.name, kind, r.unit, &at) != 3 || !at || !line[at] ||
	    kind_of(kind, &r.kind) != 0 || !is_name(bytes_str(r.name)))
		return -EINVAL;
	snprintf(r.help, sizeof r.help, "%s", line + at);
	struct service *s = service_of(e, bytes_str(service));
	if (!s || s->n == EXPO_METRICS)
		return -ENOSPC;
	if (!s->row && !(s->row = calloc(EXPO_METRICS, sizeof *s->row)))
		return -ENOSPC;
	s->row[s->n++] = r;
	return 0;
}

static void take_counts(struct expo *e, struct service *s, const struct msg_counts *counts)
{
	for (size_t i = 0; i < counts->n; i++) {
		size_t k = 0;
		while (k < s->n && !bytes_eq(counts->v[i].name, bytes_str(s->row[k].name)))
			k++;
		if (k == s->n) {
			e->undeclared++;
			continue;
		}
		s->row[k].value = counts->v[i].count;
		s->row[k].known = true;
	}
}

/* `lurker up` says <service>_restarts of each service that it runs. */
static void take_restarts(struct expo *e, const struct msg_counts *counts)
{
	static const char suffix[] = "_restarts";
	for (size_t i = 0; i < counts->n; i++) {
		struct bytes name = counts->v[i].name;
		size_t tail = sizeof suffix - 1;
		if (name.n <= tail || memcmp(name.p + name.n - tail, suffix, tail) != 0)
			continue;
		struct service *s = service_of(e, bytes_of(name.p, name.n - tail));
		if (s)
			s->told = counts->v[i].count;
	}
}

void expo_stat(struct expo *e, const struct bus_msg *m, const struct msg_stat *st)
{
	struct service *s = service_of(e, m->producer);
	if (!s) {
		e->turned_away++;
		return;
	}
	if (s->heard && s->epoch != m->epoch) {
		s->restarts++;
		for (size_t i = 0; i < s->n; i++)
			s->row[i].known = false;
	}
	s->heard = true;
	s->epoch = m->epoch;
	s->seen_ns = m->ts_ns;
	s->start_ns = st->start_ns;
	s->rss_bytes = st->rss_bytes;
	s->cpu_ns = st->cpu_ns;
	s->missed += m->missed;
	take_label(s->sensor, sizeof s->sensor, m->sensor);
	if (bytes_eq(m->producer, bytes_str("up"))) {
		take_restarts(e, &st->counters);
		return;
	}
	take_counts(e, s, &st->counters);
	take_counts(e, s, &st->gauges);
	take_counts(e, s, &st->drops);
}

void expo_disk(struct expo *e, const struct expo_disk *disk)
{
	e->disk = *disk;
}

size_t expo_heard(const struct expo *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n; i++)
		n += e->service[i].heard;
	return n;
}

static void put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_ns(struct buf *b, uint64_t ns)
{
	buf_addf(b, "%llu.%09llu\n", (unsigned long long)(ns / NS_PER_S),
		 (unsigned long long)(ns % NS_PER_S));
}

/* What a service declares does not yet say that it should run. */
static bool runs(const struct service *s)
{
	return s->expected || s->heard;
}

/* One family with a sample for each service; value gives it in nanoseconds, or as it is. */
static void put_family(const struct expo *e, struct buf *b, const char *name, const char *type,
		       const char *help, bool heard_only, bool ns,
		       uint64_t (*value)(const struct service *s))
{
	put_head(b, name, type, help);
	for (size_t i = 0; i < e->n; i++) {
		const struct service *s = &e->service[i];
		if (heard_only ? !s->heard : !runs(s))
			continue;
		buf_addf(b, "%s{sensor=\"%s\",service=\"%s\"} ", name, s->sensor, s->name);
		if (ns)
			put_ns(b, value(s));
		else
			buf_addf(b, "%llu\n", (unsigned long long)value(s));
	}
}

static uint64_t restarts_of(const struct service *s)
{
	return s->told > s->restarts ? s->told : s->restarts;
}

static uint64_t start_of(const struct service *s)
{
	return s->start_ns;
}

static uint64_t seen_of(const struct service *s)
{
	return s->seen_ns;
}

static uint64_t rss_of(const struct service *s)
{
	return s->rss_bytes;
}

static uint64_t cpu_of(const struct service *s)
{
	return s->cpu_ns;
}

static uint64_t missed_of(const struct service *s)
{
	return s->missed;
}

static void put_up(const struct expo *e, uint64_t now_ns, struct buf *b)
{
	put_head(b, "lurker_up", "gauge", "1 while the service publishes its counters");
	for (size_t i = 0; i < e->n; i++) {
		const struct service *s = &e->service[i];
		if (!runs(s))
			continue;
		bool up = s->heard && now_ns < s->seen_ns + e->silent_ns;
		buf_addf(b, "lurker_up{sensor=\"%s\",service=\"%s\"} %d\n", s->sensor, s->name, up);
	}
}

static void put_common(const struct expo *e, uint64_t now_ns, struct buf *b)
{
	put_up(e, now_ns, b);
	put_family(e, b, "lurker_restarts_total", "counter",
		   "starts of the service after its first", false, false, restarts_of);
	put_family(e, b, "lurker_start_time_seconds", "gauge",
		   "when the service started, since the epoch", true, true, start_of);
	put_family(e, b, "lurker_stat_time_seconds", "gauge",
		   "when its counters were published, since the epoch", true, true, seen_of);
	put_family(e, b, "lurker_resident_memory_bytes", "gauge", "resident memory of the service",
		   true, false, rss_of);
	put_family(e, b, "lurker_cpu_seconds_total", "counter",
		   "processor time of the service, user and system", true, true, cpu_of);
	put_family(e, b, "lurker_stat_missed_total", "counter",
		   "messages with counters that were missed", true, false, missed_of);
}

static void put_service(const struct service *s, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct row *r = &s->row[i];
		if (!r->known)
			continue;
		char name[96], help[256];
		bool gauge = r->kind == METRIC_GAUGE;
		snprintf(name, sizeof name, "lurker_%s_%s%s", s->name, r->name,
			 gauge ? "" : "_total");
		snprintf(help, sizeof help, "%s%s: %s", r->kind == METRIC_DROP ? "dropped " : "",
			 r->unit, r->help);
		put_head(b, name, gauge ? "gauge" : "counter", help);
		buf_addf(b, "%s{sensor=\"%s\"} %llu\n", name, s->sensor,
			 (unsigned long long)r->value);
	}
}

static void put_value(struct buf *b, const char *name, const char *help, uint64_t value)
{
	put_head(b, name, "gauge", help);
	buf_addf(b, "%s %llu\n", name, (unsigned long long)value);
}

static void put_disk(const struct expo_disk *d, struct buf *b)
{
	if (!d->known)
		return;
	put_value(b, "lurker_state_size_bytes", "size of the file system of the state directory",
		  d->size_bytes);
	put_value(b, "lurker_state_free_bytes", "free for the services there", d->free_bytes);
	put_value(b, "lurker_state_free_files", "inodes free there", d->free_inodes);
	if (!d->n)
		return;
	put_head(b, "lurker_queue_oldest_seconds", "gauge",
		 "age of a queue's oldest entry; 0: the queue is empty");
	for (size_t i = 0; i < d->n; i++)
		buf_addf(b, "lurker_queue_oldest_seconds{queue=\"%s\"} %llu\n", d->queue[i].name,
			 (unsigned long long)d->queue[i].age_s);
}

int expo_write(const struct expo *e, uint64_t now_ns, struct buf *b)
{
	put_common(e, now_ns, b);
	for (size_t i = 0; i < e->n; i++)
		put_service(&e->service[i], b);
	put_disk(&e->disk, b);
	put_head(b, "lurker_metrics_undeclared_total", "counter",
		 "values that no installed service declares (versions that differ)");
	buf_addf(b, "lurker_metrics_undeclared_total %llu\n", (unsigned long long)e->undeclared);
	put_head(b, "lurker_metrics_turned_away_total", "counter",
		 "stat messages of services beyond the limit");
	buf_addf(b, "lurker_metrics_turned_away_total %llu\n", (unsigned long long)e->turned_away);
	return b->rc;
}
