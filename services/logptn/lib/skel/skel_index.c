#include "logptn/lib/skel/skel_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/line/chars.h"
#include "logptn/lib/pat/align.h"
#include "logptn/lib/pat/vocab.h"

/* Words that a pattern needs to catch lines. */
#define WORDS_LEAST 2u

struct pattern {
	uint32_t skel;
	const uint8_t *text;
	uint32_t len;
	/* Of each token: 0 for a value, otherwise some bits of the hash of its kind and text. */
	uint32_t *code;
	uint32_t n;
	uint32_t literal; /* bytes of constant text: how specific it is */
	uint32_t next;    /* in the list of its anchor, + 1 */
};

struct skel_index {
	struct pattern *v;
	uint32_t n;
	uint32_t *anchor, mask; /* by code of a word: first pattern + 1 */
};

/* The tokens of a skeleton's text: code and place of each. Returns their number. */
static uint32_t index_parse(const uint8_t *text, size_t len, uint32_t *code, struct span *at)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len && n < TOK_MAX;) {
		size_t e = i + 1;

		while (e < len && text[e] > TEXT_PUNCT)
			e++;
		at[n] = (struct span){(uint32_t)i, (uint32_t)e};
		code[n++] = text[i] == TEXT_VALUE ? 0 : (uint32_t)vocab_hash(text + i, e - i) | 1;
		i = e;
	}
	return n;
}

int skel_index_new(uint32_t most, struct skel_index **out)
{
	struct skel_index *x = calloc(1, sizeof *x);

	if (x)
		x->v = calloc((size_t)most + 1, sizeof *x->v);
	if (!x || !x->v) {
		free(x);
		return -ENOMEM;
	}
	*out = x;
	return 0;
}

void skel_index_free(struct skel_index **x)
{
	if (!*x)
		return;
	for (uint32_t i = 0; i < (*x)->n; i++)
		free((*x)->v[i].code);
	free((*x)->v);
	free((*x)->anchor);
	free(*x);
	*x = NULL;
}

int skel_index_add(struct skel_index *x, const uint8_t *text, size_t len, uint32_t skel)
{
	uint32_t code[TOK_MAX], n, words = 0, literal = 0;
	struct span at[TOK_MAX];
	struct pattern *p = &x->v[x->n];

	n = index_parse(text, len, code, at);
	for (uint32_t i = 0; i < n; i++) {
		if (!code[i])
			continue;
		literal += at[i].to - at[i].from;
		words += text[at[i].from] == TEXT_WORD;
	}
	if (words < WORDS_LEAST)
		return 0;
	*p = (struct pattern){.skel = skel,
			      .text = text,
			      .len = (uint32_t)len,
			      .n = n,
			      .literal = literal,
			      .code = malloc(n * sizeof *code)};
	if (!p->code)
		return -ENOMEM;
	memcpy(p->code, code, n * sizeof *code);
	x->n++;
	return 0;
}

static int by_literal(const void *x, const void *y)
{
	const struct pattern *a = x, *b = y;

	if (a->literal != b->literal)
		return a->literal < b->literal ? -1 : 1;
	return a->skel < b->skel ? -1 : a->skel > b->skel;
}

/* Puts each pattern in the list of the word that the fewest patterns have. */
int skel_index_seal(struct skel_index *x)
{
	uint32_t *count, size = 1024;

	while (size < 32 * x->n)
		size *= 2;
	x->mask = size - 1;
	x->anchor = calloc(size, sizeof *x->anchor);
	count = calloc(size, sizeof *count);
	if (!x->anchor || !count) {
		free(count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < x->n; i++)
		for (uint32_t k = 0; k < x->v[i].n; k++)
			count[x->v[i].code[k] & x->mask]++;
	/* The most literal last, so that it is first in its list. */
	qsort(x->v, x->n, sizeof *x->v, by_literal);
	for (uint32_t i = 0; i < x->n; i++) {
		struct pattern *p = &x->v[i];
		uint32_t code[TOK_MAX], best = UINT32_MAX, n;
		struct span at[TOK_MAX];

		n = index_parse(p->text, p->len, code, at);
		for (uint32_t k = 0; k < n; k++)
			if (code[k] && p->text[at[k].from] == TEXT_WORD &&
			    (best == UINT32_MAX ||
			     count[code[k] & x->mask] < count[best & x->mask]))
				best = code[k];
		p->next = x->anchor[best & x->mask];
		x->anchor[best & x->mask] = i + 1;
	}
	free(count);
	return 0;
}

uint32_t skel_index_find(const struct skel_index *x, const uint8_t *text, size_t len,
			 const struct slot *slots, struct slot *out, uint32_t *n)
{
	const struct pattern *best = NULL;
	uint32_t code[TOK_MAX], ntok = 0, slot[TOK_MAX], nslot = 0;
	struct span at[TOK_MAX], span[TOK_MAX], best_span[TOK_MAX];

	*n = 0;
	ntok = index_parse(text, len, code, at);
	for (uint32_t i = 0; i < ntok; i++) {
		slot[i] = nslot;
		nslot += !code[i];
		if (!code[i] || text[at[i].from] != TEXT_WORD)
			continue;
		for (uint32_t k = x->anchor[code[i] & x->mask]; k; k = x->v[k - 1].next) {
			const struct pattern *p = &x->v[k - 1];

			if ((best && p->literal <= best->literal) ||
			    !align(p->code, p->n, code, ntok, span))
				continue;
			best = p;
			memcpy(best_span, span, p->n * sizeof *span);
		}
	}
	for (uint32_t i = 0; best && i < best->n; i++) {
		struct slot *into;

		if (best->code[i])
			continue;
		into = &out[(*n)++];
		*into = (struct slot){0};
		for (uint32_t k = best_span[i].from; k < best_span[i].to; k++) {
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
	return best ? best->skel : UINT32_MAX;
}
