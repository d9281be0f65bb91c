#include "tally.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "front.h"

#define NOW_MAX (1u << 20)

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *v;
	return json_object_object_get_ex(o, key, &v) ? json_object_get_uint64(v) : 0;
}

static uint64_t metric_of(struct json_object *line, const char *metric)
{
	static const char *const kinds[] = {"counters", "gauges", "drops"};
	for (size_t i = 0; line && i < 3; i++) {
		struct json_object *rows, *v;
		if (json_object_object_get_ex(line, kinds[i], &rows) &&
		    json_object_object_get_ex(rows, metric, &v))
			return json_object_get_uint64(v);
	}
	return 0;
}

static bool is_stop(struct json_object *line)
{
	const char *mark = text_field(line, "mark");
	return mark && strcmp(mark, "stop") == 0;
}

static struct tally_service *service_of(struct tally *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->service[i].name, name) == 0)
			return &t->service[i];
	if (t->n == TALLY_SERVICES)
		return NULL;
	struct tally_service *s = &t->service[t->n++];
	*s = (struct tally_service){0};
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

/* The run of a note, made when it is a new one. */
static struct tally_run *run_of(struct tally_service *s, struct json_object *line)
{
	uint64_t epoch = number(line, "start_ns");
	if (s->nruns && s->run[s->nruns - 1].epoch == epoch)
		return &s->run[s->nruns - 1];
	struct tally_run *v = realloc(s->run, (s->nruns + 1) * sizeof(*v));
	if (!v)
		return NULL;
	s->run = v;
	v[s->nruns] = (struct tally_run){.epoch = epoch};
	if (s->before && number(s->before, "start_ns") == epoch)
		v[s->nruns].base = json_object_get(s->before);
	return &v[s->nruns++];
}

int tally_add(struct tally *t, const char *service, struct json_object *line)
{
	struct tally_service *s = service_of(t, service);
	uint64_t ts_ns = number(line, "ts_ns");
	if (!s || ts_ns > t->until_ns) {
		json_object_put(line);
		return 0;
	}
	if (ts_ns < t->since_ns) {
		json_object_put(s->before);
		s->before = line;
		s->begin_ns = ts_ns;
		return 0;
	}
	struct tally_run *r = run_of(s, line);
	if (!r) {
		json_object_put(line);
		return -ENOMEM;
	}
	if (!r->first)
		r->first = json_object_get(line);
	json_object_put(r->last);
	r->last = line;
	r->killed = !is_stop(line);
	s->end_ns = ts_ns;
	return 0;
}

struct reading {
	struct tally *t;
	const char *service;
};

static int take_line(void *arg, struct bytes line)
{
	const struct reading *r = arg;
	struct json_tokener *k = json_tokener_new();
	if (!k)
		return -ENOMEM;
	struct json_object *o = json_tokener_parse_ex(k, (const char *)line.p, (int)line.n);
	json_tokener_free(k);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o); /* torn by a power cut: readers skip such lines */
		return 0;
	}
	return tally_add(r->t, r->service, o);
}

/* The note that is replaced each time, of a run that is on or was killed. */
static int take_now(struct reading *r, const char *dir)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof(path), "%s/now", dir);
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	char *text = malloc(NOW_MAX);
	size_t n = text ? fread(text, 1, NOW_MAX, f) : 0;
	fclose(f);
	int rc = !text ? -ENOMEM : n ? take_line(r, bytes_of(text, n)) : 0;
	free(text);
	return rc;
}

static int read_service(struct tally *t, const char *stat, const char *name)
{
	char dir[PATH_MAX];
	struct days days;
	struct reading r = {t, name};
	if ((size_t)snprintf(dir, sizeof(dir), "%s/%s", stat, name) >= sizeof(dir))
		return -ENAMETOOLONG;
	int rc = days_open(dir, &days);
	if (rc)
		return rc;
	for (size_t i = 0; i < days.n && !rc; i++)
		rc = days_read(&days, i, take_line, &r);
	days_close(&days);
	return rc ? rc : take_now(&r, dir);
}

int tally_read(const char *state_dir, uint64_t since_ns, uint64_t until_ns, struct tally *out)
{
	char stat[PATH_MAX - 300];
	*out = (struct tally){.since_ns = since_ns, .until_ns = until_ns};
	if ((size_t)snprintf(stat, sizeof(stat), "%s/stat", state_dir) >= sizeof(stat))
		return -ENAMETOOLONG;
	DIR *d = opendir(stat);
	if (!d)
		return -errno;
	int rc = 0;
	const struct dirent *e;
	while (!rc && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			rc = read_service(out, stat, e->d_name);
	closedir(d);
	if (!rc && !out->n)
		rc = -ENOENT;
	if (rc)
		tally_free(out);
	return rc;
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tally_service *s = &t->service[i];
		for (size_t k = 0; k < s->nruns; k++) {
			json_object_put(s->run[k].base);
			json_object_put(s->run[k].first);
			json_object_put(s->run[k].last);
		}
		json_object_put(s->before);
		free(s->run);
	}
	t->n = 0;
}

const struct tally_service *tally_service(const struct tally *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->service[i].name, name) == 0)
			return &t->service[i];
	return NULL;
}

uint64_t tally_sum(const struct tally *t, const char *service, const char *metric)
{
	const struct tally_service *s = tally_service(t, service);
	uint64_t sum = 0;
	for (size_t i = 0; s && i < s->nruns; i++)
		sum += metric_of(s->run[i].last, metric) - metric_of(s->run[i].base, metric);
	return sum;
}

/* What a metric was when a run began. */
static uint64_t at_start(const struct tally_run *r, const char *metric, const char *start)
{
	uint64_t known = start ? metric_of(r->first, start) : 0;
	return known ? known : metric_of(r->first, metric);
}

uint64_t tally_begin(const struct tally *t, const char *service, const char *metric,
		     const char *start)
{
	const struct tally_service *s = tally_service(t, service);
	if (!s)
		return 0;
	if (s->before)
		return metric_of(s->before, metric);
	return s->nruns ? at_start(&s->run[0], metric, start) : 0;
}

uint64_t tally_end(const struct tally *t, const char *service, const char *metric)
{
	const struct tally_service *s = tally_service(t, service);
	if (!s)
		return 0;
	return metric_of(s->nruns ? s->run[s->nruns - 1].last : s->before, metric);
}

uint64_t tally_late(const struct tally *t, const char *service, const char *metric,
		    const char *start)
{
	const struct tally_service *s = tally_service(t, service);
	uint64_t sum = 0;
	for (size_t i = 0; s && i < s->nruns; i++) {
		const struct tally_run *r = &s->run[i], *prev = i ? r - 1 : NULL;
		struct json_object *last = prev ? prev->last : s->before;
		if (last && !r->base)
			sum += at_start(r, metric, start) - metric_of(last, metric);
	}
	return sum;
}

uint64_t tally_while(const struct tally *t, const char *service, const char *metric, const char *on)
{
	const struct tally_service *s = tally_service(t, service);
	uint64_t sum = 0, at = s ? metric_of(s->before, metric) : 0;
	for (size_t i = 0; s && i < s->nruns; i++) {
		uint64_t end = metric_of(s->run[i].last, metric);
		if (metric_of(s->run[i].last, on))
			sum += end - at;
		at = end;
	}
	return sum;
}

bool tally_ever(const struct tally *t, const char *service, const char *metric)
{
	const struct tally_service *s = tally_service(t, service);
	for (size_t i = 0; s && i < s->nruns; i++)
		if (metric_of(s->run[i].last, metric))
			return true;
	return false;
}
