#include "logptn/lib/general.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/align.h"
#include "logptn/lib/chars.h"
#include "logptn/lib/format.h"
#include "logptn/lib/vocab.h"

/* Words that a pattern needs to catch lines: with fewer it would catch nearly everything. */
#define WORDS_LEAST 2u

struct pattern {
	uint32_t skel;
	uint32_t *
		code; /* of each token: 0 for a value, else some bits of the hash of its kind and text */
	uint32_t n;
	uint32_t literal;
	uint32_t next; /* in the list of its anchor, + 1 */
};

struct general {
	struct pattern *v;
	uint32_t n;
	uint32_t *anchor, mask; /* by code of a word: first pattern + 1 */
};

static uint32_t code_of(const uint8_t *text, size_t n)
{
	return (uint32_t)vocab_hash(text, n) | 1;
}

/* The tokens of a skeleton's text: code and place of each. Returns their number. */
static uint32_t parse(const uint8_t *text, size_t len, uint32_t *code, struct span *at)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len && n < TOK_MAX;) {
		size_t e = i + 1;

		while (e < len && text[e] > TEXT_PUNCT)
			e++;
		at[n] = (struct span){(uint32_t)i, (uint32_t)e};
		code[n++] = text[i] == TEXT_VALUE ? 0 : code_of(text + i, e - i);
		i = e;
	}
	return n;
}

void general_free(struct skels *t)
{
	struct general *g = t->general;

	if (!g)
		return;
	for (uint32_t i = 0; i < g->n; i++)
		free(g->v[i].code);
	free(g->v);
	free(g->anchor);
	free(g);
	t->general = NULL;
}

static int by_literal(const void *x, const void *y)
{
	const struct pattern *a = x, *b = y;

	if (a->literal != b->literal)
		return a->literal < b->literal ? -1 : 1;
	return a->skel < b->skel ? -1 : a->skel > b->skel;
}

/* Adds the pattern of a skeleton, if it says enough. */
static int add_pattern(struct general *g, const struct skel *s, uint32_t skel)
{
	uint32_t code[TOK_MAX], n, words = 0, literal = 0;
	struct span at[TOK_MAX];
	struct pattern *p = &g->v[g->n];

	n = parse(s->text, s->len, code, at);
	for (uint32_t i = 0; i < n; i++) {
		if (!code[i])
			continue;
		literal += at[i].to - at[i].from;
		words += s->text[at[i].from] == TEXT_WORD;
	}
	if (words < WORDS_LEAST)
		return 0;
	*p = (struct pattern){
		.skel = skel, .n = n, .literal = literal, .code = malloc(n * sizeof *code)};
	if (!p->code)
		return -ENOMEM;
	memcpy(p->code, code, n * sizeof *code);
	g->n++;
	return 0;
}

/* Puts each pattern in the list of the word that the fewest patterns have. */
static int index_patterns(struct general *g, const struct skels *t)
{
	uint32_t *count, size = 1024;

	while (size < 32 * g->n)
		size *= 2;
	g->mask = size - 1;
	g->anchor = calloc(size, sizeof *g->anchor);
	count = calloc(size, sizeof *count);
	if (!g->anchor || !count) {
		free(count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t k = 0; k < g->v[i].n; k++)
			count[g->v[i].code[k] & g->mask]++;
	/* The most literal last, so that it is first in its list. */
	qsort(g->v, g->n, sizeof *g->v, by_literal);
	for (uint32_t i = 0; i < g->n; i++) {
		struct pattern *p = &g->v[i];
		const struct skel *s = &t->v[p->skel];
		uint32_t code[TOK_MAX], best = UINT32_MAX, n;
		struct span at[TOK_MAX];

		n = parse(s->text, s->len, code, at);
		for (uint32_t k = 0; k < n; k++)
			if (code[k] && s->text[at[k].from] == TEXT_WORD &&
			    (best == UINT32_MAX ||
			     count[code[k] & g->mask] < count[best & g->mask]))
				best = code[k];
		p->next = g->anchor[best & g->mask];
		g->anchor[best & g->mask] = i + 1;
	}
	free(count);
	return 0;
}

uint32_t general_find(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots)
{
	const struct general *g = t->general;
	const struct pattern *best = NULL;
	uint32_t code[TOK_MAX], n, slot[TOK_MAX], nslot = 0, value = 0;
	struct span at[TOK_MAX], out[TOK_MAX], best_out[TOK_MAX];
	struct skel *s;

	if (!g)
		return SKEL_NONE;
	n = parse(text, len, code, at);
	for (uint32_t i = 0; i < n; i++) {
		slot[i] = nslot;
		nslot += !code[i];
		if (!code[i] || text[at[i].from] != TEXT_WORD)
			continue;
		for (uint32_t k = g->anchor[code[i] & g->mask]; k; k = g->v[k - 1].next) {
			const struct pattern *p = &g->v[k - 1];

			if ((best && p->literal <= best->literal) ||
			    !align(p->code, p->n, code, n, out))
				continue;
			best = p;
			memcpy(best_out, out, p->n * sizeof *out);
		}
	}
	if (!best)
		return SKEL_NONE;
	s = &t->v[best->skel];
	for (uint32_t i = 0; i < best->n; i++) {
		struct slot *into;

		if (best->code[i] || value >= s->nslots)
			continue;
		into = &s->slot[value++];
		for (uint32_t k = best_out[i].from; k < best_out[i].to; k++) {
			if (!code[k]) {
				into->chars |= slots[slot[k]].chars;
				into->types |= slots[slot[k]].types;
				continue;
			}
			into->chars |=
				chars_of_shape(text + at[k].from + 1, at[k].to - at[k].from - 1);
			if (text[at[k].from] == TEXT_WORD)
				into->types |= 1u << TYPE_WORD;
		}
	}
	return best->skel;
}

/* The pattern of a format as the text of a skeleton, with its values. */
static size_t pattern_text(const struct formats *f, const struct format *m, uint8_t *text,
			   struct slot *slots, uint32_t *nslots)
{
	size_t o = 0;

	*nslots = 0;
	for (uint32_t i = 0, seg = 0; i < m->ncode && *nslots < TOK_MAX; i++) {
		const struct sym *y = pats_sym(&f->pats, m->code[i]);

		if (m->code[i] == PAT_VALUE) {
			while (seg < m->nseg && !(m->seg[seg].value && m->seg[seg].from_code == i))
				seg++;
			slots[(*nslots)++] = (struct slot){m->seg[seg].chars, m->seg[seg].types};
			text[o++] = TEXT_VALUE;
			continue;
		}
		if (o + y->len + 1 > SKEL_TEXT_MAX)
			break;
		text[o++] = y->flags & SYM_WORD ? TEXT_WORD : TEXT_PUNCT;
		memcpy(text + o, y->text, y->len);
		o += y->len;
	}
	return o;
}

/* The work takes several times the memory of the table, so threads with full tables do it one after
 * the other. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int make(struct skels *t)
{
	uint8_t *text = malloc(SKEL_TEXT_MAX + TOK_MAX);
	struct slot slots[TOK_MAX];
	struct general *g = calloc(1, sizeof *g);
	struct formats *f = NULL;
	struct skels u = {0};
	uint32_t nslots;
	int r = text && g ? formats_make(t, &f) : -ENOMEM;

	if (!r)
		r = skels_init(&u);
	u.max = t->max;
	if (!r) {
		g->v = calloc(f->n + 1, sizeof *g->v);
		r = g->v ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; !r && i < f->n; i++) {
		const struct format *m = &f->v[i];
		const struct skel *s = &t->v[m->skel[0]];
		uint32_t k;

		if (m->nskel == 1) {
			k = skels_put(&u, s->text, s->len, s->slot, s->nslots);
		} else {
			size_t len = pattern_text(f, m, text, slots, &nslots);

			k = skels_put(&u, text, len, slots, nslots);
		}
		for (uint32_t j = 0; k != SKEL_NONE && j < m->nskel; j++)
			skels_take(&u, k, &t->v[m->skel[j]]);
		if (k == SKEL_NONE)
			r = -ENOMEM;
		else if (m->nskel > 1)
			r = add_pattern(g, &u.v[k], k);
	}
	if (!r)
		r = index_patterns(g, &u);
	formats_free(&f);
	free(text);
	if (r) {
		skels_fini(&u);
		for (uint32_t i = 0; g && i < g->n; i++)
			free(g->v[i].code);
		if (g) {
			free(g->v);
			free(g->anchor);
		}
		free(g);
		return r;
	}
	u.lines = t->lines;
	u.coarse = t->coarse;
	u.now_ns = t->now_ns;
	u.generation = t->generation + 1;
	u.general = g;
	u.full = t->full;
	skels_fini(t);
	*t = u;
	return t->n > t->max / 2 ? -ENOSPC : 0;
}

int general_make(struct skels *t)
{
	int r;

	pthread_mutex_lock(&one_at_a_time);
	r = make(t);
	pthread_mutex_unlock(&one_at_a_time);
	return r;
}
