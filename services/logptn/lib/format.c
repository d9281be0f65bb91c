#include "logptn/lib/format.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/align.h"
#include "logptn/lib/chars.h"

struct block {
	struct block *next;
	uint64_t mem[];
};

/* Memory that lives as long as the formats. */
static void *store(struct formats *f, size_t n)
{
	struct block *b = calloc(1, sizeof *b + n + 8);

	if (!b)
		return NULL;
	b->next = f->store;
	f->store = b;
	return b->mem;
}

/* Every skeleton as codes, with the types of its values. */
static int parse(struct formats *f, const struct skels *t)
{
	uint32_t code[TOK_MAX];

	f->line = store(f, (t->n + 1) * sizeof *f->line);
	if (!f->line)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct skel *s = &t->v[i];
		uint32_t n = pats_parse(&f->pats, s->text, s->len, code), slot = 0;
		uint32_t *c = store(f, n * (sizeof *c + sizeof(uint16_t)));
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

/* Where the [123]: at the end of a process column starts; the end of the column if it has none. */
static uint32_t process_end(const struct formats *f, uint32_t skel, struct span s)
{
	const uint32_t *c = f->line[skel].code;

	if (s.to - s.from >= 5 && pats_punct(&f->pats, c[s.to - 1], ':') &&
	    pats_punct(&f->pats, c[s.to - 2], ']') && c[s.to - 3] == PAT_VALUE &&
	    pats_punct(&f->pats, c[s.to - 4], '['))
		return s.to - 4;
	return s.to;
}

/* The header of the skeletons in a format: what its columns have in common. Returns the number of
 * codes; column[i] is the column of code i. */
static uint32_t header_codes(const struct formats *f, const uint32_t *skel, uint32_t n,
			     uint32_t *code, uint8_t *column)
{
	const struct header_row *a = &f->header.row[skel[0]];
	const uint32_t *line = f->line[skel[0]].code;
	uint32_t len = 0, at = 0, from;

	for (uint32_t c = 0; c < f->header.ncols && len < TOK_MAX; c++) {
		uint32_t end = process_end(f, skel[0], a->col[c]), la;
		bool pids = end != a->col[c].to;

		for (uint32_t i = 1; i < n && pids; i++)
			pids = process_end(f, skel[i], f->header.row[skel[i]].col[c]) !=
			       f->header.row[skel[i]].col[c].to;
		end = pids ? end : a->col[c].to;
		la = end - a->col[c].from;
		struct ends e = {la, la, la, false};

		for (uint32_t i = 1; i < n; i++) {
			const struct span *b = &f->header.row[skel[i]].col[c];
			uint32_t to = pids ? process_end(f, skel[i], *b) : b->to;

			merge_narrow(&e, line + a->col[c].from, la, f->line[skel[i]].code + b->from,
				     to - b->from);
		}
		from = len;
		while (at < a->col[c].from && len < TOK_MAX)
			code[len++] = line[at++];
		if (len + la + 1 < TOK_MAX)
			len = merge_append(&e, line + a->col[c].from, la, code, len);
		for (at = end; at < a->col[c].to && len < TOK_MAX; at++)
			code[len++] = line[at];
		memset(column + from, (int)c, len - from);
	}
	while (at < a->body && len < TOK_MAX) {
		column[len] = HEADER_COLUMNS;
		code[len++] = line[at++];
	}
	return len;
}

static bool all_align(const struct formats *f, const uint32_t *code, uint32_t n,
		      const uint32_t *skel, uint32_t nskel)
{
	struct span out[2 * TOK_MAX];

	for (uint32_t i = 0; i < nskel; i++)
		if (!align(code, n, f->line[skel[i]].code, f->line[skel[i]].n, out))
			return false;
	return true;
}

/* What a value is, from all that it stood for. */
static void see(const struct formats *f, struct segment *g, const struct skel *s,
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

static int add_segments(struct formats *f, struct format *m, const uint32_t *code, uint32_t n,
			uint32_t body, const uint8_t *column)
{
	const struct pats *p = &f->pats;

	m->seg = store(f, (n + 1) * sizeof *m->seg);
	if (!m->seg)
		return -ENOMEM;
	for (uint32_t i = 0; i < n;) {
		struct segment *g = &m->seg[m->nseg++];
		uint8_t *text;
		uint32_t e = i;

		g->header = i < body;
		if (code[i] == PAT_VALUE) {
			g->value = true;
			g->column = column[i];
			g->from_code = i++;
			continue;
		}
		for (; e < n && code[e] != PAT_VALUE && (e < body) == (i < body); e++)
			g->len += pats_sym(p, code[e])->len;
		text = store(f, g->len);
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

/* The identity: SHA-256 of the message part with a mark for each value. The header is not in it, so
 * that the same message has the same identity on another machine. */
static int identify(struct format *m, const struct pats *p, const uint32_t *code, uint32_t n,
		    uint32_t body)
{
	uint8_t sum[SHA256_DIGEST_LENGTH], *text;
	size_t len = 2, o = 0;

	for (uint32_t i = body; i < n; i++)
		len += pats_sym(p, code[i])->len + 1;
	text = malloc(len);
	if (!text)
		return -ENOMEM;
	if (body)
		text[o++] = 2;
	for (uint32_t i = body; i < n; i++) {
		if (code[i] == PAT_VALUE) {
			text[o++] = 1;
		} else {
			memcpy(text + o, pats_sym(p, code[i])->text, pats_sym(p, code[i])->len);
			o += pats_sym(p, code[i])->len;
		}
	}
	SHA256(text, o, sum);
	free(text);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(m->id + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

static int write_template(struct formats *f, struct format *m)
{
	size_t n = 1;
	char *o;

	for (uint32_t i = 0; i < m->nseg; i++)
		n += m->seg[i].value ? 1 : m->seg[i].len;
	o = m->template = store(f, n);
	if (!o)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nseg; i++) {
		if (m->seg[i].value) {
			*o++ = '*';
		} else {
			memcpy(o, m->seg[i].text, m->seg[i].len);
			o += m->seg[i].len;
		}
	}
	*o = 0;
	return 0;
}

static int by_weight(const void *x, const void *y, void *arg)
{
	const struct skels *t = arg;
	const struct skel *a = &t->v[*(const uint32_t *)x], *b = &t->v[*(const uint32_t *)y];

	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static int by_id(const void *x, const void *y)
{
	return strcmp(x, y);
}

/* Which formats the members were in before. */
static int ancestry(struct formats *f, struct format *m)
{
	uint32_t n = 0;

	m->fresh = true;
	m->was = store(f, m->nskel * sizeof *m->was);
	if (!m->was)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		if (!s->known)
			continue;
		m->fresh = false;
		if (s->format[0] && strcmp(s->format, m->id))
			memcpy(m->was[n++], s->format, sizeof *m->was);
	}
	qsort(m->was, n, sizeof *m->was, by_id);
	for (uint32_t i = 0; i < n; i++)
		if (!m->nwas || strcmp(m->was[m->nwas - 1], m->was[i]))
			memmove(m->was[m->nwas++], m->was[i], sizeof *m->was);
	return 0;
}

static int build(struct formats *f, struct format *m, const struct pat *q)
{
	uint32_t code[2 * TOK_MAX], n = 0, body = 0, k = 0;
	struct span out[2 * TOK_MAX];
	uint8_t column[2 * TOK_MAX];
	int r;

	m->skel = store(f, q->members * sizeof *m->skel);
	if (!m->skel)
		return -ENOMEM;
	for (uint32_t s = q->head; s != PAT_NONE; s = f->pats.next[s])
		m->skel[m->nskel++] = s;
	qsort_r(m->skel, m->nskel, sizeof *m->skel, by_weight, f->arg);
	memset(column, HEADER_COLUMNS, sizeof column);
	if (q->headed)
		body = n = header_codes(f, m->skel, m->nskel, code, column);
	memcpy(code + n, q->code, q->n * sizeof *code);
	n += q->n;
	if (q->headed && !all_align(f, code, n, m->skel, m->nskel)) {
		/* Separators differ: the header is one value. */
		code[0] = PAT_VALUE;
		code[1] = f->line[m->skel[0]].code[f->header.row[m->skel[0]].body - 1];
		memmove(code + 2, q->code, q->n * sizeof *code);
		body = 2;
		n = 2 + q->n;
	}
	r = add_segments(f, m, code, n, body, column);
	if (r)
		return r;
	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		f->of_skel[m->skel[i]] = (uint32_t)(m - f->v);
		m->lines += s->lines;
		if (s->first_ns && (!m->first_ns || s->first_ns < m->first_ns))
			m->first_ns = s->first_ns;
		if (s->last_ns > m->last_ns)
			m->last_ns = s->last_ns;
		if (!align(code, n, f->line[m->skel[i]].code, f->line[m->skel[i]].n, out))
			continue;
		for (k = 0; k < m->nseg; k++)
			if (m->seg[k].value)
				see(f, &m->seg[k], s, &f->line[m->skel[i]],
				    out[m->seg[k].from_code]);
	}
	m->code = store(f, n * sizeof *m->code);
	if (!m->code)
		return -ENOMEM;
	memcpy(m->code, code, n * sizeof *code);
	m->ncode = n;
	name_values(&f->header, m);
	r = identify(m, &f->pats, code, n, body);
	if (!r)
		r = write_template(f, m);
	return r ? r : ancestry(f, m);
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
	r = parse(f, t);
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
	f->v = store(f, (f->n + 1) * sizeof *f->v);
	f->of_skel = store(f, (t->n + 1) * sizeof *f->of_skel);
	if (!f->v || !f->of_skel)
		goto fail;
	f->n = 0;
	for (uint32_t i = 0; i < f->pats.n; i++)
		if (!f->pats.v[i].dead) {
			r = build(f, &f->v[f->n++], &f->pats.v[i]);
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
	for (struct block *b = (*f)->store; b;) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
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
