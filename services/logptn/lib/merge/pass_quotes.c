/*
 * Text between quotes is one value when it varies in the number of its words: key "a b" and key "c".
 */
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"
#include "logptn/lib/pat/span.h"

/* How many lines that differ in quoted text only make the text a value. */
#define QUOTE_NEED 3u
/* Quoted texts of a line; a line with more is left as it is. */
#define QUOTES_MAX 16u

/* Quoted text: signature with the text left out; 0 if there is none, or if it is a key. */
static uint64_t quoted(const struct pats *p, const struct pat *q, struct span *out, uint32_t *nout)
{
	uint64_t h = pat_mix(q->headed, 5);
	uint32_t pos = 0, consts = 0;

	*nout = 0;
	for (uint32_t i = 0; i < q->n; i++) {
		h += pat_mix(p->sym[q->code[i]].hash, ++pos);
		consts += pats_is(p, q->code[i], SYM_LETTERS);
		if (pats_punct(p, q->code[i], '"')) {
			uint32_t e = i + 1;

			while (e < q->n && !pats_punct(p, q->code[e], '"'))
				e++;
			if (e == q->n || *nout == QUOTES_MAX)
				return 0;
			if (e + 1 < q->n && pats_punct(p, q->code[e + 1], ':'))
				return 0;
			if (e > i + 1)
				out[(*nout)++] = (struct span){i + 1, e};
			h += pat_mix(p->sym[q->code[e]].hash, ++pos) + (e > i + 1);
			i = e;
		}
	}
	return *nout && consts >= 2 ? h | 1 : 0;
}

static bool quotes_join(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	struct span a[QUOTES_MAX], b[QUOTES_MAX];
	uint32_t na, nb, code[TOK_MAX], len = 0, at = 0;
	bool varies[QUOTES_MAX] = {false}, lengths = false;

	if (n < QUOTE_NEED)
		return false;
	quoted(p, q, a, &na);
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		quoted(p, r, b, &nb);
		for (uint32_t k = 0; k < na && k < nb; k++) {
			uint32_t la = a[k].to - a[k].from, lb = b[k].to - b[k].from;

			lengths |= la != lb;
			varies[k] |= la != lb || memcmp(q->code + a[k].from, r->code + b[k].from,
							la * sizeof *code);
		}
	}
	if (!lengths)
		return false;
	for (uint32_t k = 0; k <= na; k++) {
		uint32_t to = k < na && varies[k] ? a[k].from : k < na ? a[k].to : q->n;

		while (at < to)
			code[len++] = q->code[at++];
		if (k < na && varies[k]) {
			code[len++] = PAT_VALUE;
			at = a[k].to;
		}
	}
	return merge_join(p, rows, n, code, len);
}

static bool quotes_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	struct span s[QUOTES_MAX];
	uint32_t n;

	*key = quoted(p, q, s, &n);
	return *key != 0;
}

bool pass_quotes(struct pats *p)
{
	return merge_by_key(p, quotes_key, quotes_join);
}
