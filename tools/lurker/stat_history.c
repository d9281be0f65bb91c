#include "stat_history.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "day_files.h"
#include "json_line.h"

#define NOW_MAX (1u << 20)

static uint64_t stat_history_metric(struct json_object *line, const char *metric)
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

static bool stat_history_is_stop(struct json_object *line)
{
	const char *mark = json_line_text(line, "mark");
	return mark && strcmp(mark, "stop") == 0;
}

static struct stat_history_service *stat_history_get(struct stat_history *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->service[i].name, name) == 0)
			return &t->service[i];
	if (t->n == STAT_HISTORY_SERVICES)
		return NULL;
	struct stat_history_service *s = &t->service[t->n++];
	*s = (struct stat_history_service){0};
	snprintf(s->name, sizeof s->name, "%s", name);
	return s;
}

/* The run that a note belongs to; a new one is appended. NULL: no memory. */
static struct stat_history_run *stat_history_run_of(struct stat_history_service *s,
						    struct json_object *line)
{
	uint64_t epoch = json_line_u64(line, "start_ns");
	if (s->nruns && s->run[s->nruns - 1].epoch == epoch)
		return &s->run[s->nruns - 1];
	struct stat_history_run *v = realloc(s->run, (s->nruns + 1) * sizeof *v);
	if (!v)
		return NULL;
	s->run = v;
	v[s->nruns] = (struct stat_history_run){.epoch = epoch};
	if (s->before && json_line_u64(s->before, "start_ns") == epoch)
		v[s->nruns].base = json_object_get(s->before);
	return &v[s->nruns++];
}

int stat_history_add(struct stat_history *t, const char *service, struct json_object *line)
{
	struct stat_history_service *s = stat_history_get(t, service);
	uint64_t ts_ns = json_line_u64(line, "ts_ns");
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
	struct stat_history_run *r = stat_history_run_of(s, line);
	if (!r) {
		json_object_put(line);
		return -ENOMEM;
	}
	if (!r->first)
		r->first = json_object_get(line);
	json_object_put(r->last);
	r->last = line;
	r->killed = !stat_history_is_stop(line);
	s->end_ns = ts_ns;
	return 0;
}

struct reading {
	struct stat_history *t;
	const char *service;
};

static int stat_history_take_line(void *arg, struct bytes line)
{
	const struct reading *r = arg;
	struct json_object *o;
	int rc = json_line_parse(line, &o);
	if (rc)
		return rc == -EBADMSG ? 0 : rc; /* readers skip what a power cut tore */
	return stat_history_add(r->t, r->service, o);
}

/* The note that is replaced each time: of a run that goes on or was killed. */
static int stat_history_take_now(struct reading *r, const char *dir)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof path, "%s/now", dir);
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	char *text = malloc(NOW_MAX);
	size_t n = text ? fread(text, 1, NOW_MAX, f) : 0;
	fclose(f);
	int rc = !text ? -ENOMEM : n ? stat_history_take_line(r, bytes_of(text, n)) : 0;
	free(text);
	return rc;
}

static int stat_history_read_service(struct stat_history *t, const char *stat, const char *name)
{
	char dir[PATH_MAX];
	struct day_files days;
	struct reading r = {t, name};
	if ((size_t)snprintf(dir, sizeof dir, "%s/%s", stat, name) >= sizeof dir)
		return -ENAMETOOLONG;
	int rc = day_files_open(dir, &days);
	if (rc)
		return rc;
	for (size_t i = 0; i < days.n && !rc; i++)
		rc = day_files_read(&days, i, stat_history_take_line, &r);
	day_files_close(&days);
	return rc ? rc : stat_history_take_now(&r, dir);
}

int stat_history_read(const char *state_dir, uint64_t since_ns, uint64_t until_ns,
		      struct stat_history *out)
{
	char stat[PATH_MAX - 300];
	*out = (struct stat_history){.since_ns = since_ns, .until_ns = until_ns};
	if ((size_t)snprintf(stat, sizeof stat, "%s/stat", state_dir) >= sizeof stat)
		return -ENAMETOOLONG;
	DIR *d = opendir(stat);
	if (!d)
		return -errno;
	int rc = 0;
	const struct dirent *e;
	while (!rc && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			rc = stat_history_read_service(out, stat, e->d_name);
	closedir(d);
	if (!rc && !out->n)
		rc = -ENOENT;
	if (rc)
		stat_history_free(out);
	return rc;
}

void stat_history_free(struct stat_history *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct stat_history_service *s = &t->service[i];
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

const struct stat_history_service *stat_history_service(const struct stat_history *t,
							const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->service[i].name, name) == 0)
			return &t->service[i];
	return NULL;
}

uint64_t stat_history_sum(const struct stat_history *t, const char *service, const char *metric)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	uint64_t sum = 0;
	for (size_t i = 0; s && i < s->nruns; i++)
		sum += stat_history_metric(s->run[i].last, metric) -
		       stat_history_metric(s->run[i].base, metric);
	return sum;
}

/* The value of a metric when a run began. */
static uint64_t stat_history_at_start(const struct stat_history_run *r, const char *metric,
				      const char *start)
{
	uint64_t known = start ? stat_history_metric(r->first, start) : 0;
	return known ? known : stat_history_metric(r->first, metric);
}

uint64_t stat_history_begin(const struct stat_history *t, const char *service, const char *metric,
			    const char *start)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	if (!s)
		return 0;
	if (s->before)
		return stat_history_metric(s->before, metric);
	return s->nruns ? stat_history_at_start(&s->run[0], metric, start) : 0;
}

uint64_t stat_history_end(const struct stat_history *t, const char *service, const char *metric)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	if (!s)
		return 0;
	return stat_history_metric(s->nruns ? s->run[s->nruns - 1].last : s->before, metric);
}

uint64_t stat_history_late(const struct stat_history *t, const char *service, const char *metric,
			   const char *start)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	uint64_t sum = 0;
	for (size_t i = 0; s && i < s->nruns; i++) {
		const struct stat_history_run *r = &s->run[i], *prev = i ? r - 1 : NULL;
		struct json_object *last = prev ? prev->last : s->before;
		if (last && !r->base)
			sum += stat_history_at_start(r, metric, start) -
			       stat_history_metric(last, metric);
	}
	return sum;
}

uint64_t stat_history_while(const struct stat_history *t, const char *service, const char *metric,
			    const char *on)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	uint64_t sum = 0, at = s ? stat_history_metric(s->before, metric) : 0;
	for (size_t i = 0; s && i < s->nruns; i++) {
		uint64_t end = stat_history_metric(s->run[i].last, metric);
		if (stat_history_metric(s->run[i].last, on))
			sum += end - at;
		at = end;
	}
	return sum;
}

bool stat_history_ever(const struct stat_history *t, const char *service, const char *metric)
{
	const struct stat_history_service *s = stat_history_service(t, service);
	for (size_t i = 0; s && i < s->nruns; i++)
		if (stat_history_metric(s->run[i].last, metric))
			return true;
	return false;
}
