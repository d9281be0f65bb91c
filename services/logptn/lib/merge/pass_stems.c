/*
 * Several words vary, each in its digits only: "r01=x r02=x" and "r07=x r31=x".
 */
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"

/* How many lines that differ in the digits of several words make these values. */
#define NEED_STEMS 3u

/* The words that differ become values. */
static bool stems_join(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX], len = q->n;

	if (n < NEED_STEMS)
		return false;
	memcpy(code, q->code, len * sizeof *code);
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		for (uint32_t k = 0; k < len; k++)
			if (r->code[k] != q->code[k])
				code[k] = PAT_VALUE;
	}
	return merge_join(p, rows, n, code, len);
}

static bool stems_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	uint64_t h = pat_mix(q->n, q->headed);
	uint32_t numbered = 0;

	for (uint32_t i = 0; i < q->n; i++) {
		const struct sym *s = &p->sym[q->code[i]];
		bool is = s->flags & SYM_WORD && s->flags & SYM_DIGITS;

		numbered += is;
		h += pat_mix(is ? s->stem : s->hash, i + 1);
	}
	*key = h;
	return numbered > 1;
}

bool pass_stems(struct pats *p)
{
	return merge_by_key(p, stems_key, stems_join);
}
