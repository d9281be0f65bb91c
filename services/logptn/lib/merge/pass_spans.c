/*
 * Values of several words. A format that has a value alone between two blanks takes in
 *   - lines with a unit behind the value: "lifetime 00:01", "lifetime <1 sec";
 *   - lines with two to six words there, none of which is part of the log's own vocabulary: "Invalid user a b".
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"
#include "logptn/lib/pat/pat_words.h"

/* Words that must stand around the value; more than elsewhere, since what is between them may be
 * anything. */
#define SPAN_WORDS 3u
#define SPAN_MAX   6u

enum { ROW_VALUE, ROW_TEXT };

struct span_table {
	struct pat_row *v;
	size_t n, cap;
	bool failed;
};

static void span_push(struct span_table *t, struct pat_row row)
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

/* Where a word ends without the punctuation behind it. */
static uint32_t trimmed(const struct pats *p, const struct pat *q, struct span w)
{
	return pats_trim(p, q->code, w, ",;:.").to;
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

static bool vocabulary_has(const struct vocabulary *w, const struct sym *s)
{
	uint32_t at = (uint32_t)pat_mix(s->lower, 7) & w->mask;

	while (w->v[at] && w->v[at] != s->lower)
		at = (at + 1) & w->mask;
	return w->v[at] != 0;
}

/* Rows for every place of a pattern where a value of several words could be. */
static void span_rows(const struct pats *p, uint32_t k, const struct vocabulary *voc,
		      struct span_table *t)
{
	const struct pat *q = &p->v[k];
	struct span w[TOK_MAX + 1];
	uint32_t n = pats_split(p, q, w);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = w[i].from, to = trimmed(p, q, w[i]);

		if (pats_has_value(q->code, (struct span){from, to})) {
			bool lone = to == from + 1;

			if (to - from <= 2 && words_around(p, q, from, to) >= SPAN_WORDS)
				span_push(t, (struct pat_row){around(p, q, from, to), q->hash, k,
							      lone ? ROW_VALUE : ROW_TEXT});
			if (to - from <= 2 && to == w[i].to && i + 1 < n) {
				uint32_t end = trimmed(p, q, w[i + 1]);

				if (end == w[i + 1].from + 1 &&
				    pats_is(p, q->code[end - 1], SYM_UNIT) &&
				    words_around(p, q, from, end) >= SPAN_WORDS)
					span_push(t, (struct pat_row){around(p, q, from, end),
								      q->hash, k, ROW_TEXT});
			}
			continue;
		}
		if (!i || q->members > 1) /* text at the start of a line, or a format of its own */
			continue;
		for (uint32_t m = 0; m < SPAN_MAX && i + m + 1 < n; m++) {
			uint32_t end = w[i + m].to;

			/* Single plain words only: structure is not user text. */
			if (end != w[i + m].from + 1 || pats_is(p, q->code[end - 1], SYM_PUNCT) ||
			    vocabulary_has(voc, &p->sym[q->code[end - 1]]))
				break;
			if (m && words_around(p, q, from, end) >= SPAN_WORDS &&
			    pats_words(p, q->code + end, q->n - end) &&
			    pats_words(p, q->code, from))
				span_push(t, (struct pat_row){around(p, q, from, end), q->hash, k,
							      ROW_TEXT});
		}
	}
}

/* The members go to the row that has the lone value. */
static bool spans_join(struct pats *p, const struct pat_row *rows, size_t n)
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

bool pass_spans(struct pats *p)
{
	struct span_table t = {0};
	struct vocabulary voc;
	bool changed = false;

	if (!vocabulary_init(&voc, p)) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++)
		if (!p->v[k].dead)
			span_rows(p, k, &voc, &t);
	if (t.failed)
		p->failed = true;
	else
		changed = merge_groups(p, t.v, t.n, spans_join);
	free(t.v);
	free(voc.v);
	return changed;
}
