/*
 * The same words around values of different form: "synchronized to 10.0.0.1, stratum 3" and
 * "synchronized to LOCAL(0), stratum 10". Words are what stands between blanks; a word with a value
 * in it may have any form, except for its key and the punctuation at its end.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"
#include "logptn/lib/pat/pat_ends.h"
#include "logptn/lib/pat/pat_words.h"

/* Constant words that must hold a format together when its values may have any form. */
#define FORM_WORDS 2u

/* The part of a word with a value that may vary: what stands behind its key, without the
 * punctuation at its end. */
static struct span form_core(const struct pats *p, const uint32_t *c, struct span s)
{
	for (uint32_t i = s.from; i < s.to && c[i] != PAT_VALUE; i++)
		if ((pats_punct(p, c[i], '=') || pats_punct(p, c[i], ':')) && i > s.from &&
		    pats_is(p, c[i - 1], SYM_WORD))
			return pats_trim(p, c, (struct span){i + 1, s.to}, ",;:");
	return pats_trim(p, c, s, ",;:");
}

static uint64_t form_signature(const struct pats *p, const struct pat *q, const struct span *w,
			       uint32_t n)
{
	uint64_t h = pat_mix(q->headed, n);
	uint32_t pos = 0;

	for (uint32_t k = 0; k < n; k++) {
		struct span v = {w[k].to, w[k].to};

		if (pats_has_value(q->code, w[k]))
			v = form_core(p, q->code, w[k]);
		for (uint32_t i = w[k].from; i < w[k].to; i++) {
			if (i >= v.from && i < v.to)
				continue;
			h += pat_mix(p->sym[q->code[i]].hash, ++pos);
		}
		h += pat_mix(v.from < v.to ? UINT64_C(0x464f524d) : UINT64_C(0x574f5244), ++pos);
	}
	return h;
}

static bool forms_join(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	struct span a[TOK_MAX + 1], b[TOK_MAX + 1];
	struct ends ends[TOK_MAX + 1];
	uint32_t code[2 * TOK_MAX], len = 0, words = pats_split(p, q, a);

	for (uint32_t k = 0; k < words; k++)
		ends[k] = ends_of(a[k].to - a[k].from);
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		pats_split(p, r, b);
		for (uint32_t k = 0; k < words; k++)
			ends_narrow(&ends[k], q->code + a[k].from, a[k].to - a[k].from,
				    r->code + b[k].from, b[k].to - b[k].from);
	}
	for (uint32_t k = 0; k < words; k++) {
		if (k)
			code[len++] = q->code[a[k].from - 1];
		len = ends_append(&ends[k], q->code + a[k].from, a[k].to - a[k].from, code, len);
	}
	return merge_join(p, rows, n, code, len);
}

static bool form_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	struct span w[TOK_MAX + 1];
	uint32_t n = pats_split(p, q, w), consts = 0;
	bool value = false;

	for (uint32_t i = 0; i < n; i++) {
		if (pats_has_value(q->code, w[i]))
			value = true;
		else
			consts += pats_words(p, q->code + w[i].from, w[i].to - w[i].from);
	}
	if (!value || consts < FORM_WORDS)
		return false;
	*key = form_signature(p, q, w, n);
	return true;
}

bool pass_forms(struct pats *p)
{
	return merge_by_key(p, form_key, forms_join);
}
