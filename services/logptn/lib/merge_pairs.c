/*
 * Two words vary together, or several in their digits only.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"

/* How many different words in each of two slots make both values, and how many lines that differ in
 * the digits of several words make these values. */
enum { NEED_PAIR = 4, NEED_STEMS = 3 };

/* At least NEED_PAIR different words in both slots, and not all of them states. */
static bool pair_varies(const struct pats *p, const struct pat_row *rows, uint32_t n, uint32_t a,
			uint32_t b)
{
	uint32_t seen[2][NEED_PAIR], have[2] = {0, 0};
	bool upper = true;

	for (uint32_t i = 0; i < n; i++) {
		for (unsigned s = 0; s < 2; s++) {
			uint32_t c = p->v[rows[i].pat].code[s ? b : a], k;

			upper &= pats_is(p, c, SYM_UPPER);
			for (k = 0; k < have[s] && seen[s][k] != c; k++)
				;
			if (k == have[s] && k < NEED_PAIR)
				seen[s][have[s]++] = c;
		}
	}
	return !upper && have[0] >= NEED_PAIR && have[1] >= NEED_PAIR;
}

/* Two patterns can differ in words only if their delimiters and the number of their words agree. */
static uint64_t structure(const struct pats *p, const struct pat *q)
{
	uint64_t h = pat_mix(q->n, q->headed);

	for (uint32_t i = 0; i < q->n; i++)
		if (pats_is(p, q->code[i], SYM_PUNCT))
			h += pat_mix(p->sym[q->code[i]].hash, i + 1);
	return h;
}

/* Lines with more words than this are not looked at in pairs: the work grows with the square. */
#define PAIR_WORDS 24u

static bool pairs_in(struct pats *p, const struct pat_row *rows, size_t n)
{
	struct pat_row *r;
	bool changed = false;
	uint32_t len = p->v[rows[0].pat].n;

	if (n < NEED_PAIR)
		return false;
	r = malloc(n * sizeof *r);
	if (!r) {
		p->failed = true;
		return false;
	}
	for (uint32_t a = 0; a < len; a++) {
		for (uint32_t b = a + 2; b < len; b++) {
			size_t m = 0;

			for (size_t i = 0; i < n; i++) {
				const struct pat *q = &p->v[rows[i].pat];

				if (q->dead || !pats_is(p, q->code[a], SYM_LETTERS) ||
				    !pats_is(p, q->code[b], SYM_LETTERS))
					continue;
				r[m++] = (struct pat_row){
					merge_without(p, q, a) -
						pat_mix(p->sym[q->code[b]].hash, b + 1),
					q->hash, rows[i].pat, a};
			}
			if (m < NEED_PAIR)
				continue;
			pat_rows_sort(r, m);
			for (size_t i = 0, e; i < m; i = e) {
				const struct pat *q = &p->v[r[i].pat];

				for (e = i + 1; e < m && r[e].key == r[i].key; e++)
					;
				if (pats_words(p, q->code, q->n) < 4 ||
				    pats_words(p, q->code, q->n) > PAIR_WORDS)
					continue;
				if (e - i >= NEED_PAIR &&
				    pair_varies(p, r + i, (uint32_t)(e - i), a, b))
					changed |= merge_replace(p, r + i, (uint32_t)(e - i), a, b);
			}
		}
	}
	free(r);
	return changed;
}

bool merge_pairs(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++)
		if (!p->v[k].dead)
			rows[n++] = (struct pat_row){structure(p, &p->v[k]), p->v[k].hash, k, 0};
	changed = merge_groups(p, rows, n, pairs_in);
	free(rows);
	return changed;
}

/* r01=x r02=x, r07=x r31=x: the words that differ become values. */
static bool join_stems(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX], len = q->n, *from;

	if (n < NEED_STEMS)
		return false;
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	memcpy(code, q->code, len * sizeof *code);
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		from[i] = rows[i].pat;
		for (uint32_t k = 0; k < len; k++)
			if (r->code[k] != q->code[k])
				code[k] = PAT_VALUE;
	}
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

bool merge_stems(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];
		uint64_t h = pat_mix(q->n, q->headed);
		uint32_t numbered = 0;

		for (uint32_t i = 0; !q->dead && i < q->n; i++) {
			const struct sym *s = &p->sym[q->code[i]];
			bool is = s->flags & SYM_WORD && s->flags & SYM_DIGITS;

			numbered += is;
			h += pat_mix(is ? s->stem : s->hash, i + 1);
		}
		if (numbered > 1)
			rows[n++] = (struct pat_row){h, q->hash, k, 0};
	}
	changed = merge_groups(p, rows, n, join_stems);
	free(rows);
	return changed;
}
