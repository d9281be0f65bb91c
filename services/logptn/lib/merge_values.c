/*
 * key=value and "key":value. Lines with the same keys and the same text around the values are one
 * format, whatever the values look like: lock=1 tag="View Lock" ws=null, lock=2 tag="AudioMix"
 * ws=WorkSource{1}.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"

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
static uint32_t spans(const struct pats *p, const struct pat *q, struct span *out)
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
		    !merge_keyed(p, q->code, from)) {
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

static uint64_t signature(const struct pats *p, const struct pat *q, const struct span *s,
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

static bool same(const struct pat *a, struct span x, const struct pat *b, struct span y)
{
	uint32_t n = x.to - x.from;

	return n == y.to - y.from &&
	       !memcmp(a->code + x.from, b->code + y.from, n * sizeof *a->code);
}

static bool join(struct pats *p, const struct pat_row *rows, size_t n)
{
	struct span first[SPANS_MAX], other[SPANS_MAX];
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t k = spans(p, q, first), code[TOK_MAX], len = 0, at = 0, *from;
	bool varies[SPANS_MAX] = {false};

	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		spans(p, r, other);
		for (uint32_t s = 0; s < k; s++)
			varies[s] |= !same(q, first[s], r, other[s]);
		from[i] = rows[i].pat;
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
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

bool merge_values(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	struct span s[SPANS_MAX];
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];
		uint32_t m;

		if (q->dead)
			continue;
		m = spans(p, q, s);
		/* One key says too little: "state=" may stand before anything. */
		if (m >= 2)
			rows[n++] = (struct pat_row){signature(p, q, s, m), q->hash, k, 0};
	}
	changed = merge_groups(p, rows, n, join);
	free(rows);
	return changed;
}
