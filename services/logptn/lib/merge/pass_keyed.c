/*
 * key=value and "key":value. Lines with the same keys and the same text around the values are one
 * format, whatever the values look like: lock=1 tag="View Lock" ws=null, lock=2 tag="AudioMix"
 * ws=WorkSource{1}.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"
#include "logptn/lib/pat/pat_words.h"

#define SPANS_MAX 128u

/* Where the value that starts at i ends: at a separator outside of quotes and brackets. i if it is
 * not balanced. */
static uint32_t value_end(const struct pats *p, const uint32_t *c, uint32_t n, uint32_t i)
{
	uint32_t depth = 0, j;
	char in = 0;

	for (j = i; j < n; j++) {
		const struct sym *s = &p->sym[c[j]];
		char ch;

		if (!(s->flags & SYM_PUNCT) || s->len != 1)
			continue;
		ch = (char)s->text[0];
		if (ch == '"' || ch == '\'') {
			if (in == ch)
				in = 0;
			else if (!in && j == i)
				in = ch;
		} else if (in) {
			continue;
		} else if (strchr("([{<", ch)) {
			depth++;
		} else if (strchr(")]}>", ch)) {
			if (!depth)
				break;
			depth--;
		} else if (!depth && strchr(" ,;|", ch)) {
			break;
		}
	}
	return in || depth ? i : j;
}

/* The values of a pattern; returns their number. */
static uint32_t keyed_spans(const struct pats *p, const struct pat *q, struct span *out)
{
	uint32_t k = 0;

	for (uint32_t i = 1; i < q->n && k < SPANS_MAX;) {
		bool equals =
			pats_punct(p, q->code[i], '=') && pats_is(p, q->code[i - 1], SYM_WORD);
		bool json = i > 1 && pats_punct(p, q->code[i], ':') &&
			    pats_punct(p, q->code[i - 1], '"') &&
			    pats_is(p, q->code[i - 2], SYM_WORD);
		uint32_t from = i + 1, to;

		if (json && from < q->n && pats_is(p, q->code[from], SYM_BLANK))
			from++;
		if (!(equals || json) || from >= q->n || pats_punct(p, q->code[from], '=') ||
		    !pats_keyed(p, q->code, from)) {
			i++;
			continue;
		}
		to = value_end(p, q->code, q->n, from);
		if (to > from)
			out[k++] = (struct span){from, to};
		i = to > from ? to : from;
	}
	return k;
}

static uint64_t keyed_signature(const struct pats *p, const struct pat *q, const struct span *s,
				uint32_t n)
{
	uint64_t h = pat_mix(q->headed, n);
	uint32_t at = 0, pos = 0;

	for (uint32_t k = 0; k <= n; k++) {
		uint32_t to = k < n ? s[k].from : q->n;

		for (; at < to; at++)
			h += pat_mix(p->sym[q->code[at]].hash, ++pos);
		h += pat_mix(UINT64_C(0x5350414e), ++pos);
		at = k < n ? s[k].to : at;
	}
	return h;
}

static bool same_codes(const struct pat *a, struct span x, const struct pat *b, struct span y)
{
	uint32_t n = x.to - x.from;

	return n == y.to - y.from &&
	       !memcmp(a->code + x.from, b->code + y.from, n * sizeof *a->code);
}

static bool keyed_join(struct pats *p, const struct pat_row *rows, size_t n)
{
	struct span first[SPANS_MAX], other[SPANS_MAX];
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t k = keyed_spans(p, q, first), code[TOK_MAX], len = 0, at = 0;
	bool varies[SPANS_MAX] = {false};

	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		keyed_spans(p, r, other);
		for (uint32_t s = 0; s < k; s++)
			varies[s] |= !same_codes(q, first[s], r, other[s]);
	}
	for (uint32_t s = 0; s <= k; s++) {
		uint32_t to = s < k ? first[s].from : q->n;

		while (at < to)
			code[len++] = q->code[at++];
		if (s == k)
			break;
		if (varies[s])
			code[len++] = PAT_VALUE;
		else
			while (at < first[s].to)
				code[len++] = q->code[at++];
		at = first[s].to;
	}
	return merge_join(p, rows, n, code, len);
}

static bool keyed_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	struct span s[SPANS_MAX];
	uint32_t n = keyed_spans(p, q, s);

	/* One key says too little: "state=" may stand before anything. */
	if (n < 2)
		return false;
	*key = keyed_signature(p, q, s, n);
	return true;
}

bool pass_keyed(struct pats *p)
{
	return merge_by_key(p, keyed_key, keyed_join);
}
