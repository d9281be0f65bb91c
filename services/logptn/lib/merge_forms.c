/*
 * The same words around values of different form: "synchronized to 10.0.0.1, stratum 3" and
 * "synchronized to LOCAL(0), stratum 10". Words are what stands between blanks; a word with a value
 * in it may have any form, except for its key and the punctuation at its end.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"

/* Constant words that must hold a format together when its values may have any form. */
#define FORM_WORDS 2u

uint32_t merge_split(const struct pats *p, const struct pat *q, struct span *out)
{
	uint32_t n = 0, from = 0;

	for (uint32_t i = 0; i < q->n; i++)
		if (pats_is(p, q->code[i], SYM_BLANK)) {
			out[n++] = (struct span){from, i};
			from = i + 1;
		}
	out[n++] = (struct span){from, q->n};
	return n;
}

bool merge_has_value(const uint32_t *code, struct span s)
{
	for (uint32_t i = s.from; i < s.to; i++)
		if (code[i] == PAT_VALUE)
			return true;
	return false;
}

/* The part of a word with a value that may vary. */
static struct span core(const struct pats *p, const uint32_t *c, struct span s)
{
	uint32_t from = s.from;

	for (uint32_t i = s.from; i < s.to && c[i] != PAT_VALUE; i++)
		if ((pats_punct(p, c[i], '=') || pats_punct(p, c[i], ':')) && i > s.from &&
		    pats_is(p, c[i - 1], SYM_WORD)) {
			from = i + 1;
			break;
		}
	while (s.to > from + 1 &&
	       (pats_punct(p, c[s.to - 1], ',') || pats_punct(p, c[s.to - 1], ';') ||
		pats_punct(p, c[s.to - 1], ':')))
		s.to--;
	return (struct span){from, s.to};
}

static uint64_t signature(const struct pats *p, const struct pat *q, const struct span *w,
			  uint32_t n)
{
	uint64_t h = pat_mix(q->headed, n);
	uint32_t pos = 0;

	for (uint32_t k = 0; k < n; k++) {
		struct span v = {w[k].to, w[k].to};

		if (merge_has_value(q->code, w[k]))
			v = core(p, q->code, w[k]);
		for (uint32_t i = w[k].from; i < w[k].to; i++) {
			if (i >= v.from && i < v.to)
				continue;
			h += pat_mix(p->sym[q->code[i]].hash, ++pos);
		}
		h += pat_mix(v.from < v.to ? UINT64_C(0x464f524d) : UINT64_C(0x574f5244), ++pos);
	}
	return h;
}

void merge_narrow(struct ends *e, const uint32_t *a, uint32_t la, const uint32_t *b, uint32_t lb)
{
	uint32_t k;

	e->differs |= la != lb || memcmp(a, b, la * sizeof *a);
	for (k = 0; k < e->pre && k < lb && a[k] == b[k]; k++)
		;
	e->pre = k;
	for (k = 0; k < e->post && k < lb && a[la - 1 - k] == b[lb - 1 - k]; k++)
		;
	e->post = k;
	if (lb < e->least)
		e->least = lb;
}

uint32_t merge_append(const struct ends *e, const uint32_t *a, uint32_t la, uint32_t *code,
		      uint32_t len)
{
	uint32_t pre = e->pre, post = e->post;

	if (!e->differs) {
		memcpy(code + len, a, la * sizeof *a);
		return len + la;
	}
	/* Neither end may contain a value, and they may not overlap in any row. */
	for (uint32_t k = 0; k < pre; k++)
		if (a[k] == PAT_VALUE)
			pre = k;
	for (uint32_t k = 0; k < post; k++)
		if (a[la - 1 - k] == PAT_VALUE)
			post = k;
	if (pre + post >= e->least)
		post = e->least > pre ? e->least - pre - 1 : 0;
	memcpy(code + len, a, pre * sizeof *a);
	len += pre;
	code[len++] = PAT_VALUE;
	memcpy(code + len, a + la - post, post * sizeof *a);
	return len + post;
}

static bool join(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	struct span a[TOK_MAX + 1], b[TOK_MAX + 1];
	struct ends ends[TOK_MAX + 1];
	uint32_t *from = malloc(n * sizeof *from), code[2 * TOK_MAX], len = 0;
	uint32_t words = merge_split(p, q, a);

	if (!from) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < words; k++) {
		uint32_t la = a[k].to - a[k].from;

		ends[k] = (struct ends){la, la, la, false};
	}
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		merge_split(p, r, b);
		from[i] = rows[i].pat;
		for (uint32_t k = 0; k < words; k++)
			merge_narrow(&ends[k], q->code + a[k].from, a[k].to - a[k].from,
				     r->code + b[k].from, b[k].to - b[k].from);
	}
	for (uint32_t k = 0; k < words; k++) {
		if (k)
			code[len++] = q->code[a[k].from - 1];
		len = merge_append(&ends[k], q->code + a[k].from, a[k].to - a[k].from, code, len);
	}
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

bool merge_forms(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	struct span w[TOK_MAX + 1];
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];
		uint32_t m, consts = 0;
		bool value = false;

		if (q->dead)
			continue;
		m = merge_split(p, q, w);
		for (uint32_t i = 0; i < m; i++) {
			if (merge_has_value(q->code, w[i]))
				value = true;
			else
				consts += pats_words(p, q->code + w[i].from, w[i].to - w[i].from);
		}
		if (value && consts >= FORM_WORDS)
			rows[n++] = (struct pat_row){signature(p, q, w, m), q->hash, k, 0};
	}
	changed = merge_groups(p, rows, n, join);
	free(rows);
	return changed;
}
