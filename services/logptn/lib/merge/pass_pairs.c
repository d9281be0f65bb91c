/*
 * Two words vary together: lines that differ in two places only are one log template when both
 * places had enough different words.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"

/* How many different words in each of two slots make both values. */
#define NEED_PAIR 4u

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

static bool pairs_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	*key = structure(p, q);
	return true;
}

bool pass_pairs(struct pats *p)
{
	return merge_by_key(p, pairs_key, pairs_in);
}
