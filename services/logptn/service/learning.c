#include "logptn/service/learning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "logptn/lib/lines.h"
#include "logptn/lib/model_state.h"
#include "logptn/service/payload.h"

int learning_load(struct learning *l, const char *path)
{
	struct buf b;
	int r;

	snprintf(l->path, sizeof l->path, "%s", path);
	l->saved_ns = l->updated_ns = clock_mono_ns();
	buf_init(&b, MODEL_STATE_MAX);
	r = model_state_read(l->path, &b);
	if (!r && b.n)
		r = groups_load(&l->groups, buf_bytes(&b));
	buf_fini(&b);
	if (r)
		log_error("state cannot be read; move it away to start anew",
			  "path=%s error=\"%s\"", l->path, strerror(-r));
	return r;
}

int learning_save(struct learning *l)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX);
	r = groups_save(&l->groups, &b);
	if (!r)
		r = model_state_write(l->path, buf_bytes(&b));
	if (r)
		log_error("state not saved", "path=%s error=\"%s\"", l->path, strerror(-r));
	buf_fini(&b);
	l->saved_ns = clock_mono_ns();
	l->dirty = r != 0;
	return r;
}

void learning_save_due(struct learning *l)
{
	if (l->dirty && clock_mono_ns() - l->saved_ns >= l->save_ns)
		learning_save(l);
}

static void learning_line(struct learning *l, const char *group, uint64_t ns, uint32_t port,
			  const uint8_t *line, size_t n)
{
	if (groups_add(&l->groups, group, ns ? ns : clock_real_ns(), port, line, n))
		log_error("out of memory", NULL);
	else
		l->values[LOGPTN_LINES]++;
	l->dirty = true;
}

void learning_record(struct learning *l, struct bytes json)
{
	struct payload p;

	l->dirty = true;
	l->values[LOGPTN_RECORDS]++;
	if (payload_parse(json, &p)) {
		l->values[LOGPTN_BAD]++;
		return;
	}
	for (unsigned k = 0; k < p.n; k++)
		learning_line(l, p.line[k].group, p.first_ns, p.port, p.line[k].p, p.line[k].n);
}

void learning_lines(struct learning *l, struct bytes text, uint64_t ns)
{
	uint8_t copy[SHAPE_MAX + SHAPE_SLACK];
	const uint8_t *line;
	size_t at = 0, n;

	while (lines_next(text.p, text.n, &at, &line, &n, NULL)) {
		n = n < SHAPE_MAX ? n : SHAPE_MAX;
		memcpy(copy, line, n);
		memset(copy + n, 0, SHAPE_SLACK);
		learning_line(l, "log", ns, 0, copy, n);
	}
}

static void tell_groups(struct learning *l, bool all, groups_fn fn, void *arg)
{
	if (groups_tell(&l->groups, all, fn, arg))
		log_error("out of memory", NULL);
}

void learning_tell(struct learning *l, groups_fn fn, void *arg)
{
	uint64_t now = clock_mono_ns();
	bool all = now - l->updated_ns >= l->update_ns;

	if (now - l->made_ns < LEARNING_MAKE_NS && !all)
		return;
	l->made_ns = now;
	if (all)
		l->updated_ns = now;
	tell_groups(l, all, fn, arg);
}

void learning_tell_new(struct learning *l, groups_fn fn, void *arg)
{
	tell_groups(l, false, fn, arg);
}

void learning_gauges(struct learning *l)
{
	uint64_t skeletons = 0, coarse = 0;

	for (uint32_t i = 0; i < l->groups.n; i++) {
		skeletons += l->groups.v[i].t.n;
		coarse += l->groups.v[i].t.coarse;
	}
	l->values[LOGPTN_SKELETONS] = skeletons;
	l->values[LOGPTN_COARSE] = coarse;
	l->values[LOGPTN_GROUPS] = l->groups.n;
	l->values[LOGPTN_REFUSED] = l->groups.refused;
}

void learning_fini(struct learning *l)
{
	groups_fini(&l->groups);
}
