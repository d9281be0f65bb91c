#include "logptn/lib/format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format_build.h"
#include "logptn/lib/merge/merge.h"

/* Every skeleton as codes, with the types of its values. */
static int parse_skeletons(struct formats *f, const struct skels *t)
{
	uint32_t code[TOK_MAX];

	f->line = arena_zero(&f->store, (t->n + 1) * sizeof *f->line);
	if (!f->line)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct skel *s = &t->v[i];
		uint32_t n = pats_parse(&f->pats, s->text, s->len, code), slot = 0;
		uint32_t *c = arena_zero(&f->store, n * (sizeof *c + sizeof(uint16_t)));
		uint16_t *types;

		if (!c)
			return -ENOMEM;
		types = (uint16_t *)(c + n);
		memcpy(c, code, n * sizeof *c);
		for (uint32_t k = 0; k < n; k++)
			if (c[k] == PAT_VALUE && slot < s->nslots)
				types[k] = s->slot[slot++].types;
		f->line[i] = (struct header_line){c, types, n};
	}
	return f->pats.failed ? -ENOMEM : 0;
}

static int by_weight(const void *x, const void *y, void *arg)
{
	const struct skels *t = arg;
	const struct skel *a = &t->v[*(const uint32_t *)x], *b = &t->v[*(const uint32_t *)y];

	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* Counts and times of a log template, from its skeletons. */
static void sum_up(struct formats *f, struct format *m)
{
	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		m->lines += s->lines;
		if (s->first_ns && (!m->first_ns || s->first_ns < m->first_ns))
			m->first_ns = s->first_ns;
		if (s->last_ns > m->last_ns)
			m->last_ns = s->last_ns;
	}
}

/* The log template of the skeletons in q. */
static int format_build(struct formats *f, struct format *m, const struct pat *q)
{
	struct format_codes c;
	int r;

	m->skel = arena_zero(&f->store, q->members * sizeof *m->skel);
	if (!m->skel)
		return -ENOMEM;
	for (uint32_t s = q->head; s != PAT_NONE; s = f->pats.next[s])
		m->skel[m->nskel++] = s;
	qsort_r(m->skel, m->nskel, sizeof *m->skel, by_weight, f->arg);
	format_codes(f, m, q, &c);
	m->code = arena_zero(&f->store, c.n * sizeof *m->code);
	if (!m->code)
		return -ENOMEM;
	memcpy(m->code, c.code, c.n * sizeof *m->code);
	m->ncode = c.n;
	sum_up(f, m);
	r = format_segments(f, m, &c);
	if (!r)
		r = format_identify(f, m, &c);
	if (!r)
		r = format_template(f, m);
	return r ? r : format_ancestry(f, m);
}

static int by_lines(const void *x, const void *y)
{
	const struct format *a = x, *b = y;
	int c;

	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	c = strcmp(a->template, b->template);
	return c ? c : strcmp(a->id, b->id);
}

int formats_make(const struct skels *t, struct formats **out)
{
	struct formats *f = calloc(1, sizeof *f);
	int r = -ENOMEM;

	if (!f)
		return r;
	f->skels = t;
	f->lines = t->lines;
	memcpy(&f->arg, &t, sizeof f->arg);
	if (pats_init(&f->pats, t->n))
		goto fail;
	r = parse_skeletons(f, t);
	if (!r)
		r = header_find(&f->pats, f->line, t->n, &f->header);
	for (uint32_t i = 0; !r && i < t->n; i++) {
		uint32_t body = f->header.row[i].body;
		uint32_t k =
			pats_put(&f->pats, f->line[i].code + body, f->line[i].n - body, body > 0);

		if (k == PAT_NONE)
			r = -ENOMEM;
		else
			pats_add_member(&f->pats, k, i);
	}
	if (!r)
		r = merge_run(&f->pats);
	if (r)
		goto fail;
	r = -ENOMEM;
	for (uint32_t i = 0; i < f->pats.n; i++)
		f->n += !f->pats.v[i].dead;
	f->v = arena_zero(&f->store, (f->n + 1) * sizeof *f->v);
	f->of_skel = arena_zero(&f->store, (t->n + 1) * sizeof *f->of_skel);
	if (!f->v || !f->of_skel)
		goto fail;
	f->n = 0;
	for (uint32_t i = 0; i < f->pats.n; i++)
		if (!f->pats.v[i].dead) {
			r = format_build(f, &f->v[f->n++], &f->pats.v[i]);
			if (r)
				goto fail;
		}
	qsort(f->v, f->n, sizeof *f->v, by_lines);
	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < f->v[i].nskel; k++)
			f->of_skel[f->v[i].skel[k]] = i;
	*out = f;
	return 0;
fail:
	formats_free(&f);
	return r;
}

static unsigned width(const struct format *f)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < f->nseg; i++)
		bits += (unsigned)__builtin_popcountll(f->seg[i].chars);
	return bits;
}

bool format_specific(const struct format *a, const struct format *b)
{
	if (a->literal != b->literal)
		return a->literal > b->literal;
	if (a->nseg != b->nseg)
		return a->nseg < b->nseg;
	if (width(a) != width(b))
		return width(a) < width(b);
	return strcmp(a->id, b->id) < 0;
}

void formats_free(struct formats **f)
{
	if (!*f)
		return;
	pats_fini(&(*f)->pats);
	header_fini(&(*f)->header);
	arena_free(&(*f)->store);
	free(*f);
	*f = NULL;
}

void formats_remember(const struct formats *f, struct skels *t)
{
	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < f->v[i].nskel; k++) {
			struct skel *s = &t->v[f->v[i].skel[k]];

			s->known = true;
			memcpy(s->format, f->v[i].id, sizeof s->format);
		}
}
