#include "logptn/lib/logptn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format.h"
#include "logptn/lib/intake/intake.h"
#include "logptn/lib/lines.h"
#include "logptn/lib/model_state.h"

/* What is kept of a line that is still being fed: enough to know that it is too long. */
#define PENDING (SHAPE_MAX + 1)

struct logptn {
	struct skels t;
	struct lines_rule rule;
	struct lines_record lines;
	uint32_t record, generation;
	size_t n;
	uint8_t pending[PENDING + SHAPE_SLACK];
};

struct logptn_formats {
	struct skels t; /* of its own, for matching */
	struct formats *f;
};

int logptn_new(struct logptn **out)
{
	struct logptn *l = calloc(1, sizeof *l);
	int r = l ? skels_init(&l->t) : -ENOMEM;

	if (r) {
		free(l);
		l = NULL;
	} else {
		l->record = SKEL_NONE;
	}
	*out = l;
	return r;
}

void logptn_free(struct logptn **l)
{
	if (!*l)
		return;
	skels_fini(&(*l)->t);
	lines_rule_fini(&(*l)->rule);
	free(*l);
	*l = NULL;
}

int logptn_multiline(struct logptn *l, const char *how)
{
	struct lines_rule rule;
	char err[128];
	int r = lines_rule_set(&rule, how, err, sizeof err);

	if (r)
		return r;
	lines_rule_fini(&l->rule);
	l->rule = rule;
	return 0;
}

static void take(struct logptn *l)
{
	size_t n = l->n;

	l->n = 0;
	if (n && n < PENDING && l->pending[n - 1] == '\r')
		n--;
	if (!n)
		return;
	memset(l->pending + n, 0, SHAPE_SLACK);
	if (l->generation != l->t.generation)
		l->record = SKEL_NONE;
	if (lines_continues(&l->rule, &l->lines, l->pending, n) && l->record != SKEL_NONE)
		skels_more(&l->t, l->record);
	else
		l->record = intake_add(&l->t, l->pending, n);
	l->generation = l->t.generation;
}

int logptn_feed(struct logptn *l, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		const uint8_t *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n, room = PENDING - l->n,
		       fit = k < room ? k : room;

		memcpy(l->pending + l->n, p, fit);
		l->n += fit;
		if (nl)
			take(l);
		p += k + (nl != NULL);
		n -= k + (nl != NULL);
	}
	return l->t.failed ? -ENOMEM : 0;
}

int logptn_end(struct logptn *l)
{
	take(l);
	l->record = SKEL_NONE;
	l->lines = (struct lines_record){0};
	return l->t.failed ? -ENOMEM : 0;
}

void logptn_time(struct logptn *l, uint64_t ns)
{
	l->t.now_ns = ns;
}

uint64_t logptn_lines(const struct logptn *l)
{
	return l->t.lines;
}

int logptn_merge(struct logptn *l, const struct logptn *from)
{
	intake_union(&l->t, &from->t);
	return l->t.failed ? -ENOMEM : 0;
}

int logptn_save(const struct logptn *l, void **p, size_t *n)
{
	struct buf b;
	int r;

	buf_init(&b, MODEL_STATE_MAX);
	r = model_state_save(&l->t, &b);
	if (!r) {
		*n = b.n;
		*p = malloc(b.n);
		if (*p)
			memcpy(*p, b.p, b.n);
		else
			r = -ENOMEM;
	}
	buf_fini(&b);
	return r;
}

int logptn_load(struct logptn *l, const void *p, size_t n)
{
	return model_state_load(&l->t, bytes_of(p, n));
}

int logptn_snapshot(struct logptn *l, struct logptn_formats **out)
{
	struct logptn_formats *f = calloc(1, sizeof *f);
	int r = f ? skels_init(&f->t) : -ENOMEM;

	*out = NULL;
	if (!r) {
		intake_union(&f->t, &l->t);
		r = f->t.failed ? -ENOMEM : formats_make(&f->t, &f->f);
	}
	if (r) {
		logptn_formats_free(&f);
		return r;
	}
	/* In l the skeletons have other indexes, but the same text. */
	for (uint32_t i = 0; i < f->t.n; i++) {
		uint32_t k = skels_find(&l->t, f->t.v[i].text, f->t.v[i].len);

		if (k == SKEL_NONE)
			continue;
		l->t.v[k].known = true;
		memcpy(l->t.v[k].format, f->f->v[f->f->of_skel[i]].id, sizeof l->t.v[k].format);
	}
	*out = f;
	return 0;
}

void logptn_formats_free(struct logptn_formats **f)
{
	if (!*f)
		return;
	formats_free(&(*f)->f);
	if ((*f)->t.v)
		skels_fini(&(*f)->t);
	free(*f);
	*f = NULL;
}

size_t logptn_count(const struct logptn_formats *f)
{
	return f->f->n;
}

struct logptn_format logptn_format(const struct logptn_formats *f, size_t i)
{
	const struct format *m = &f->f->v[i];

	return (struct logptn_format){
		.id = m->id,
		.template = m->template,
		.lines = m->lines,
		.first_ns = m->first_ns,
		.last_ns = m->last_ns,
		.segments = m->nseg,
		.fresh = m->fresh,
		.nwas = m->nwas,
	};
}

struct logptn_segment logptn_segment(const struct logptn_formats *f, size_t i, size_t segment)
{
	const struct segment *g = &f->f->v[i].seg[segment];

	return (struct logptn_segment){
		.text = g->value ? NULL : (const char *)g->text,
		.n = g->value ? 0 : g->len,
		.name = g->value ? g->name : NULL,
		.header = g->header,
	};
}

const char *logptn_was(const struct logptn_formats *f, size_t i, size_t k)
{
	return f->f->v[i].was[k];
}

char *logptn_regex(const struct logptn_formats *f, size_t i)
{
	return format_regex(&f->f->v[i], REGEX_PCRE);
}

/* The format of a line: by its skeleton, else the most specific that it can be taken apart by. */
static const struct format *find(const struct logptn_formats *f, const uint8_t *line, size_t n,
				 struct extract *ex)
{
	const struct format *best = NULL;
	uint32_t k = intake_peek(&f->t, line, n);

	if (k != SKEL_NONE && !format_extract(f->f, &f->f->v[f->f->of_skel[k]], line, n, ex))
		return &f->f->v[f->f->of_skel[k]];
	for (uint32_t i = 0; i < f->f->n; i++) {
		const struct format *m = &f->f->v[i];

		if ((!best || format_specific(m, best)) && !format_extract(f->f, m, line, n, ex))
			best = m;
	}
	return best && !format_extract(f->f, best, line, n, ex) ? best : NULL;
}

int logptn_match(const struct logptn_formats *f, const void *line, size_t n, size_t *format,
		 struct logptn_value *values, size_t *nvalues)
{
	struct extract ex[2 * TOK_MAX];
	size_t keep = n <= SHAPE_MAX ? n : SHAPE_MAX + 1, room = *nvalues, have = 0;
	uint8_t *copy = calloc(1, keep + SHAPE_SLACK);
	const struct format *m;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, line, keep);
	m = find(f, copy, keep, ex);
	free(copy);
	if (!m)
		return -ENOENT;
	*format = (size_t)(m - f->f->v);
	for (uint32_t i = 0; i < m->nseg; i++)
		have += m->seg[i].value;
	*nvalues = have;
	if (have > room)
		return values ? -ENOSPC : 0;
	for (uint32_t i = 0; values && i < m->nseg; i++)
		if (m->seg[i].value)
			*values++ = (struct logptn_value){i, ex[i].off, ex[i].len};
	return 0;
}
