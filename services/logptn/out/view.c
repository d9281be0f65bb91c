#include "logptn/out/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Values shown of one variable; the most frequent stay. */
#define VALUES_MAX 1000u

struct collect {
	struct view_segment *g;
	size_t cap;
	bool failed;
};

static int by_text(const void *x, const void *y)
{
	const struct view_value *a = x, *b = y;
	int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int by_lines(const void *x, const void *y)
{
	const struct view_value *a = x, *b = y;

	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	return by_text(x, y);
}

static void add_value(void *arg, const uint8_t *p, size_t n, uint64_t lines, bool exact)
{
	struct collect *c = arg;
	struct view_segment *g = c->g;

	if (g->nvalues == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct view_value *v = realloc(g->value, cap * sizeof *v);

		if (!v) {
			c->failed = true;
			return;
		}
		g->value = v;
		c->cap = cap;
	}
	g->value[g->nvalues++] = (struct view_value){p, n, lines};
	g->exact &= exact;
}

/* Sorts and adds up equal values. */
static void tidy(struct view_segment *g)
{
	size_t n = 0;

	if (!g->nvalues)
		return;
	qsort(g->value, g->nvalues, sizeof *g->value, by_text);
	for (size_t i = 0; i < g->nvalues; i++) {
		if (n && !by_text(&g->value[n - 1], &g->value[i]))
			g->value[n - 1].lines += g->value[i].lines;
		else
			g->value[n++] = g->value[i];
	}
	if (n > VALUES_MAX) {
		qsort(g->value, n, sizeof *g->value, by_lines);
		n = VALUES_MAX;
		qsort(g->value, n, sizeof *g->value, by_text);
		g->exact = false;
	}
	g->nvalues = n;
}

int view_formats(const struct formats *f, bool (*keep)(const struct format *f, void *arg),
		 void *arg, bool values, struct view *v)
{
	memset(v, 0, sizeof *v);
	v->formats = f;
	v->lines = f->lines;
	v->v = calloc(f->n + 1, sizeof *v->v);
	if (!v->v)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct format *m = &f->v[i];
		struct view_format *o = &v->v[v->n];

		if (keep && !keep(m, arg))
			continue;
		v->n++;
		o->id = m->id;
		o->lines = m->lines;
		o->format = m;
		o->nseg = m->nseg;
		o->seg = calloc(m->nseg + 1, sizeof *o->seg);
		if (!o->seg)
			return -ENOMEM;
		for (uint32_t k = 0; k < m->nseg; k++) {
			struct view_segment *g = &o->seg[k];
			struct collect c = {.g = g};

			g->variable = m->seg[k].value;
			g->header = m->seg[k].header;
			g->text = m->seg[k].text;
			g->len = m->seg[k].len;
			g->name = m->seg[k].name;
			if (!g->variable || !values)
				continue;
			g->exact = true;
			format_values(f, m, k, add_value, &c);
			if (c.failed)
				return -ENOMEM;
			tidy(g);
		}
	}
	return 0;
}

int view_compat(const struct compat_format *f, size_t n, struct view *v)
{
	memset(v, 0, sizeof *v);
	v->v = calloc(n + 1, sizeof *v->v);
	if (!v->v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct view_format *o = &v->v[v->n++];

		o->id = f[i].id;
		o->lines = f[i].lines;
		v->lines += f[i].lines;
		o->nseg = f[i].nseg;
		o->seg = calloc(o->nseg + 1, sizeof *o->seg);
		if (!o->seg)
			return -ENOMEM;
		for (size_t k = 0; k < o->nseg; k++) {
			const struct compat_segment *s = &f[i].seg[k];
			struct view_segment *g = &o->seg[k];

			g->variable = s->variable;
			g->exact = true;
			if (!s->variable) {
				g->text = s->value[0].p;
				g->len = s->value[0].n;
				continue;
			}
			g->value = malloc(s->nvalues * sizeof *g->value);
			if (!g->value)
				return -ENOMEM;
			for (size_t x = 0; x < s->nvalues; x++)
				g->value[g->nvalues++] = (struct view_value){
					s->value[x].p, s->value[x].n, s->value[x].lines};
		}
	}
	return 0;
}

void view_free(struct view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		for (size_t k = 0; v->v[i].seg && k < v->v[i].nseg; k++)
			free(v->v[i].seg[k].value);
		free(v->v[i].seg);
		free(v->v[i].cell);
	}
	free(v->v);
	memset(v, 0, sizeof *v);
}
