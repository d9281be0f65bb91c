/*
 * The segments of a log template: constant text and values, and what each value is called.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "logptn/lib/format/format_build.h"
#include "logptn/lib/line/chars.h"
#include "logptn/lib/pat/align.h"

/* What a value is, from all that it stood for. */
static void segment_learn(const struct formats *f, struct segment *g, const struct skel *s,
			  const struct header_line *l, struct span v)
{
	uint32_t slot = 0;

	for (uint32_t i = 0; i < v.from; i++)
		slot += l->code[i] == PAT_VALUE;
	for (uint32_t i = v.from; i < v.to; i++) {
		const struct sym *y = pats_sym(&f->pats, l->code[i]);

		if (l->code[i] == PAT_VALUE) {
			if (slot >= s->nslots)
				continue;
			g->chars |= s->slot[slot].chars;
			g->types |= s->slot[slot++].types;
		} else if (y->flags & SYM_BLANK) {
			g->chars |= CHARS_SPACE | (y->len > 1 ? CHARS_HIGH : 0);
		} else {
			g->chars |= chars_of_shape(y->text, y->len);
			if (y->flags & SYM_WORD)
				g->types |= 1u << TYPE_WORD;
		}
	}
}

static enum tok_type main_type(uint16_t types)
{
	static const struct {
		uint16_t within;
		enum tok_type type;
	} rows[] = {
		{1u << TYPE_NUMBER | 1u << TYPE_NULL, TYPE_NUMBER},
		{1u << TYPE_BOOL | 1u << TYPE_NULL, TYPE_BOOL},
		{1u << TYPE_IP | 1u << TYPE_NULL, TYPE_IP},
		{1u << TYPE_IP | 1u << TYPE_HOST | 1u << TYPE_WORD | 1u << TYPE_ID, TYPE_HOST},
		{1u << TYPE_TIME | 1u << TYPE_NUMBER, TYPE_TIME},
		{1u << TYPE_PATH | 1u << TYPE_NULL | 1u << TYPE_WORD, TYPE_PATH},
		{1u << TYPE_URL | 1u << TYPE_PATH | 1u << TYPE_NULL, TYPE_URL},
		{1u << TYPE_ID | 1u << TYPE_NUMBER | 1u << TYPE_NULL, TYPE_ID},
	};

	if (types && !(types & (types - 1)))
		return (enum tok_type)__builtin_ctz(types);
	for (size_t i = 0; types && i < sizeof rows / sizeof *rows; i++)
		if (!(types & ~rows[i].within) && types & 1u << rows[i].type)
			return rows[i].type;
	return TYPE_WORD;
}

/* What a column of the header is called. */
static const char *column_name(const struct header *h, const struct segment *g)
{
	enum tok_type t = main_type(g->types);

	if (t == TYPE_TIME || g->column >= h->ncols)
		return tok_type_name(t);
	switch (h->kind[g->column]) {
	case HEADER_LEVEL:
		return "level";
	case HEADER_COLON:
		return t == TYPE_NUMBER ? "pid" : "process";
	case HEADER_GROUP:
		return "context";
	case HEADER_WORD:
		return "host";
	default:
		return tok_type_name(t);
	}
}

/* Names are unique in the format: number, number_2. */
static void name_values(const struct header *h, struct format *m)
{
	for (uint32_t i = 0; i < m->nseg; i++) {
		struct segment *g = &m->seg[i];
		unsigned same = 1;

		if (!g->value)
			continue;
		g->base = g->header ? column_name(h, g) : tok_type_name(main_type(g->types));
		for (uint32_t k = 0; k < i; k++)
			same += m->seg[k].value && !strcmp(m->seg[k].base, g->base);
		if (same == 1)
			snprintf(g->name, sizeof g->name, "%s", g->base);
		else
			snprintf(g->name, sizeof g->name, "%s_%u", g->base, same);
	}
}

static int segments_make(struct formats *f, struct format *m, const struct format_codes *c)
{
	const struct pats *p = &f->pats;
	const uint32_t *code = c->code, n = c->n, body = c->body;

	m->seg = arena_zero(&f->store, (n + 1) * sizeof *m->seg);
	if (!m->seg)
		return -ENOMEM;
	for (uint32_t i = 0; i < n;) {
		struct segment *g = &m->seg[m->nseg++];
		uint8_t *text;
		uint32_t e = i;

		g->header = i < body;
		if (code[i] == PAT_VALUE) {
			g->value = true;
			g->column = c->column[i];
			g->from_code = i++;
			continue;
		}
		for (; e < n && code[e] != PAT_VALUE && (e < body) == (i < body); e++)
			g->len += pats_sym(p, code[e])->len;
		text = arena_zero(&f->store, g->len);
		if (!text)
			return -ENOMEM;
		g->text = text;
		for (; i < e; i++) {
			memcpy(text, pats_sym(p, code[i])->text, pats_sym(p, code[i])->len);
			text += pats_sym(p, code[i])->len;
		}
		m->literal += g->len;
	}
	return 0;
}

int format_segments(struct formats *f, struct format *m, const struct format_codes *c)
{
	struct span out[2 * TOK_MAX];
	int r = segments_make(f, m, c);

	if (r)
		return r;
	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct header_line *l = &f->line[m->skel[i]];

		if (!align(c->code, c->n, l->code, l->n, out))
			continue;
		for (uint32_t k = 0; k < m->nseg; k++)
			if (m->seg[k].value)
				segment_learn(f, &m->seg[k], &f->skels->v[m->skel[i]], l,
					      out[m->seg[k].from_code]);
	}
	name_values(&f->header, m);
	return 0;
}
