/*
 * Values of several words. A format that has a value alone between two blanks takes in
 *   - lines with a unit behind the value: "lifetime 00:01", "lifetime <1 sec";
 *   - lines with two to six words there, none of which is part of the log's own vocabulary: "Invalid user a b".
 * And text between quotes is one value when it varies in the number of its words.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"

/* Words that must stand around the value; more than elsewhere, since what is between them may be
 * anything. */
#define SPAN_WORDS 3u
#define SPAN_MAX   6u
#define QUOTE_NEED 3u

enum { ROW_VALUE, ROW_TEXT };

struct table {
	struct pat_row *v;
	size_t n, cap;
	bool failed;
};

static void push(struct table *t, struct pat_row row)
{
	if (t->n == t->cap) {
		struct pat_row *v = realloc(t->v, (t->cap ? 2 * t->cap : 1024) * sizeof *v);

		if (!v) {
			t->failed = true;
			return;
		}
		t->v = v;
		t->cap = t->cap ? 2 * t->cap : 1024;
	}
	t->v[t->n++] = row;
}

/* Hash of everything but code[from..to). */
static uint64_t around(const struct pats *p, const struct pat *q, uint32_t from, uint32_t to)
{
	uint64_t h = pat_mix(q->headed, 3);

	for (uint32_t i = 0; i < from; i++)
		h += pat_mix(p->sym[q->code[i]].hash, i + 1);
	for (uint32_t i = to; i < q->n; i++)
		h += pat_mix(p->sym[q->code[i]].hash, (uint64_t)(q->n - i) << 32);
	return h;
}

/* A word without the punctuation at its end. */
static uint32_t trimmed(const struct pats *p, const struct pat *q, struct span w)
{
	while (w.to > w.from + 1 &&
	       (pats_punct(p, q->code[w.to - 1], ',') || pats_punct(p, q->code[w.to - 1], ';') ||
		pats_punct(p, q->code[w.to - 1], ':') || pats_punct(p, q->code[w.to - 1], '.')))
		w.to--;
	return w.to;
}

static uint32_t words_around(const struct pats *p, const struct pat *q, uint32_t from, uint32_t to)
{
	return pats_words(p, q->code, from) + pats_words(p, q->code + to, q->n - to);
}

/* The words that formats with several members are made of, as a set of their small-letter
 * hashes. */
struct vocabulary {
	uint64_t *v;
	uint32_t mask;
};

static bool vocabulary_init(struct vocabulary *w, const struct pats *p)
{
	size_t n = 0;
	uint32_t cap = 1024;

	for (uint32_t k = 0; k < p->n; k++)
		if (!p->v[k].dead && p->v[k].members > 1)
			n += p->v[k].n;
	while (cap < 2 * n)
		cap *= 2;
	w->v = calloc(cap, sizeof *w->v);
	w->mask = cap - 1;
	for (uint32_t k = 0; w->v && k < p->n; k++) {
		const struct pat *q = &p->v[k];

		for (uint32_t i = 0; !q->dead && q->members > 1 && i < q->n; i++) {
			uint64_t h = p->sym[q->code[i]].lower;
			uint32_t at = (uint32_t)pat_mix(h, 7) & w->mask;

			if (!pats_is(p, q->code[i], SYM_LETTERS))
				continue;
			while (w->v[at] && w->v[at] != h)
				at = (at + 1) & w->mask;
			w->v[at] = h;
		}
	}
	return w->v != NULL;
}

static bool known(const struct vocabulary *w, const struct sym *s)
{
	uint32_t at = (uint32_t)pat_mix(s->lower, 7) & w->mask;

	while (w->v[at] && w->v[at] != s->lower)
		at = (at + 1) & w->mask;
	return w->v[at] != 0;
}

/* Rows for every place of a pattern where a value of several words could be. */
static void add_rows(const struct pats *p, uint32_t k, const struct vocabulary *voc,
		     struct table *t)
{
	const struct pat *q = &p->v[k];
	struct span w[TOK_MAX + 1];
	uint32_t n = merge_split(p, q, w);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = w[i].from, to = trimmed(p, q, w[i]);

		if (merge_has_value(q->code, (struct span){from, to})) {
			bool lone = to == from + 1;

			if (to - from <= 2 && words_around(p, q, from, to) >= SPAN_WORDS)
				push(t, (struct pat_row){around(p, q, from, to), q->hash, k,
							 lone ? ROW_VALUE : ROW_TEXT});
			if (to - from <= 2 && to == w[i].to && i + 1 < n) {
				uint32_t end = trimmed(p, q, w[i + 1]);

				if (end == w[i + 1].from + 1 &&
				    pats_is(p, q->code[end - 1], SYM_UNIT) &&
				    words_around(p, q, from, end) >= SPAN_WORDS)
					push(t, (struct pat_row){around(p, q, from, end), q->hash,
								 k, ROW_TEXT});
			}
			continue;
		}
		if (!i || q->members > 1) /* text at the start of a line, or a format of its own */
			continue;
		for (uint32_t m = 0; m < SPAN_MAX && i + m + 1 < n; m++) {
			uint32_t end = w[i + m].to;

			/* Single plain words only: structure is not user text. */
			if (end != w[i + m].from + 1 || pats_is(p, q->code[end - 1], SYM_PUNCT) ||
			    known(voc, &p->sym[q->code[end - 1]]))
				break;
			if (m && words_around(p, q, from, end) >= SPAN_WORDS &&
			    pats_words(p, q->code + end, q->n - end) &&
			    pats_words(p, q->code, from))
				push(t, (struct pat_row){around(p, q, from, end), q->hash, k,
							 ROW_TEXT});
		}
	}
}

/* The members go to the row that has the lone value. */
static bool join(struct pats *p, const struct pat_row *rows, size_t n)
{
	size_t to = n, k = 0;
	uint32_t *from;
	bool changed = false;

	for (size_t i = 0; i < n; i++)
		if (rows[i].slot == ROW_VALUE)
			to = i;
	if (to == n)
		return false;
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		/* Rows are sorted by pattern within a key. */
		if (rows[i].pat != rows[to].pat && !p->v[rows[i].pat].dead &&
		    (!k || from[k - 1] != rows[i].pat))
			from[k++] = rows[i].pat;
	if (k) {
		const struct pat *q = &p->v[rows[to].pat];

		from[k++] = rows[to].pat;
		pats_replace(p, from, k, q->code, q->n, q->headed);
		changed = true;
	}
	free(from);
	return changed;
}

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
			if (e == q->n || *nout == 16)
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

static bool join_quoted(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	struct span a[16], b[16];
	uint32_t na, nb, code[TOK_MAX], len = 0, at = 0, *from;
	bool varies[16] = {false}, lengths = false;

	if (n < QUOTE_NEED)
		return false;
	quoted(p, q, a, &na);
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		quoted(p, r, b, &nb);
		from[i] = rows[i].pat;
		for (uint32_t k = 0; k < na && k < nb; k++) {
			uint32_t la = a[k].to - a[k].from, lb = b[k].to - b[k].from;

			lengths |= la != lb;
			varies[k] |= la != lb || memcmp(q->code + a[k].from, r->code + b[k].from,
							la * sizeof *code);
		}
	}
	if (lengths) {
		for (uint32_t k = 0; k <= na; k++) {
			uint32_t to = k < na && varies[k] ? a[k].from : k < na ? a[k].to : q->n;

			while (at < to)
				code[len++] = q->code[at++];
			if (k < na && varies[k]) {
				code[len++] = PAT_VALUE;
				at = a[k].to;
			}
		}
		pats_replace(p, from, n, code, len, q->headed);
	}
	free(from);
	return lengths;
}

bool merge_spans(struct pats *p)
{
	struct table t = {0}, quotes = {0};
	struct vocabulary voc;
	bool changed = false;

	if (!vocabulary_init(&voc, p)) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		struct span s[16];
		uint32_t n;
		uint64_t h;

		if (p->v[k].dead)
			continue;
		add_rows(p, k, &voc, &t);
		h = quoted(p, &p->v[k], s, &n);
		if (h)
			push(&quotes, (struct pat_row){h, p->v[k].hash, k, 0});
	}
	if (t.failed || quotes.failed) {
		p->failed = true;
	} else {
		changed |= merge_groups(p, t.v, t.n, join);
		changed |= merge_groups(p, quotes.v, quotes.n, join_quoted);
	}
	free(t.v);
	free(quotes.v);
	free(voc.v);
	return changed;
}
