#include "logptn/lib/pat/pat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/pat/vocab.h"

int pats_init(struct pats *p, uint32_t nskels)
{
	memset(p, 0, sizeof *p);
	p->capsym = 1024;
	p->symmask = 4 * p->capsym - 1;
	p->cap = 256;
	p->mask = 1023;
	p->sym = calloc(p->capsym, sizeof *p->sym);
	p->symtab = calloc(p->symmask + 1, sizeof *p->symtab);
	p->v = calloc(p->cap, sizeof *p->v);
	p->tab = calloc(p->mask + 1, sizeof *p->tab);
	p->next = calloc(nskels ? nskels : 1, sizeof *p->next);
	if (!p->sym || !p->symtab || !p->v || !p->tab || !p->next) {
		pats_fini(p);
		return -ENOMEM;
	}
	p->nsym = 1; /* PAT_VALUE */
	p->sym[0].hash = UINT64_C(0x56414c5545);
	return 0;
}

void pats_fini(struct pats *p)
{
	arena_free(&p->codes);
	free(p->sym);
	free(p->symtab);
	free(p->v);
	free(p->tab);
	free(p->next);
	memset(p, 0, sizeof *p);
}

static bool grow_syms(struct pats *p)
{
	struct sym *v = realloc(p->sym, 2 * (size_t)p->capsym * sizeof *v);
	uint32_t *tab;

	if (!v)
		return false;
	p->sym = v;
	p->capsym *= 2;
	tab = calloc(4 * (size_t)p->capsym, sizeof *tab);
	if (!tab)
		return false;
	free(p->symtab);
	p->symtab = tab;
	p->symmask = 4 * p->capsym - 1;
	for (uint32_t i = 1; i < p->nsym; i++) {
		uint32_t k = (uint32_t)p->sym[i].hash & p->symmask;

		while (tab[k])
			k = (k + 1) & p->symmask;
		tab[k] = i;
	}
	return true;
}

static uint64_t sym_hash(enum tok_kind kind, const uint8_t *text, size_t n)
{
	return vocab_hash(text, n) ^ (kind == TOK_WORD ? 0 : UINT64_C(0x50554e4354000000));
}

uint32_t pats_find(const struct pats *p, enum tok_kind kind, const uint8_t *text, size_t n)
{
	uint64_t h = sym_hash(kind, text, n);

	for (uint32_t k = (uint32_t)h & p->symmask; p->symtab[k]; k = (k + 1) & p->symmask)
		if (p->sym[p->symtab[k]].hash == h)
			return p->symtab[k];
	return PAT_NONE;
}

uint32_t pats_code(struct pats *p, enum tok_kind kind, const uint8_t *text, size_t n)
{
	uint64_t h = sym_hash(kind, text, n);
	uint32_t k = pats_find(p, kind, text, n);
	struct sym *s;

	if (k != PAT_NONE)
		return k;
	for (k = (uint32_t)h & p->symmask; p->symtab[k]; k = (k + 1) & p->symmask)
		;
	if (p->nsym == p->capsym) {
		if (!grow_syms(p)) {
			p->failed = true;
			return PAT_VALUE;
		}
		k = (uint32_t)h & p->symmask;
		while (p->symtab[k])
			k = (k + 1) & p->symmask;
	}
	s = &p->sym[p->nsym];
	memset(s, 0, sizeof *s);
	s->hash = h;
	s->text = text;
	s->len = (uint32_t)n;
	if (kind == TOK_WORD)
		vocab_judge(s);
	else
		s->flags = (uint16_t)(SYM_PUNCT | (vocab_blank(text, n) ? SYM_BLANK : 0));
	p->symtab[k] = p->nsym;
	return p->nsym++;
}

uint32_t pats_parse(struct pats *p, const uint8_t *text, size_t n, uint32_t *out)
{
	uint32_t o = 0;

	for (size_t i = 0; i < n && o < TOK_MAX;) {
		size_t e = i + 1;

		while (e < n && text[e] > TEXT_PUNCT)
			e++;
		out[o++] = text[i] == TEXT_VALUE
				   ? PAT_VALUE
				   : pats_code(p, text[i] == TEXT_WORD ? TOK_WORD : TOK_PUNCT,
					       text + i + 1, e - i - 1);
		i = e;
	}
	return o;
}

static bool grow_pats(struct pats *p)
{
	struct pat *v = realloc(p->v, 2 * (size_t)p->cap * sizeof *v);
	uint32_t *tab;

	if (!v)
		return false;
	p->v = v;
	p->cap *= 2;
	tab = calloc(4 * (size_t)p->cap, sizeof *tab);
	if (!tab)
		return false;
	free(p->tab);
	p->tab = tab;
	p->mask = 4 * p->cap - 1;
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t k = (uint32_t)p->v[i].hash & p->mask;

		while (tab[k])
			k = (k + 1) & p->mask;
		tab[k] = i + 1;
	}
	return true;
}

/* Neighbouring values, and values with only an empty delimiter between them, are one. */
static uint32_t squeeze(const struct pats *p, const uint32_t *code, uint32_t n, uint32_t *out)
{
	uint32_t o = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (code[i] == PAT_VALUE && o && out[o - 1] == PAT_VALUE)
			continue;
		if (code[i] == PAT_VALUE && o > 1 && out[o - 2] == PAT_VALUE &&
		    pats_is(p, out[o - 1], SYM_PUNCT) && !p->sym[out[o - 1]].len) {
			o--;
			continue;
		}
		out[o++] = code[i];
	}
	return o;
}

uint32_t pats_put(struct pats *p, const uint32_t *code, uint32_t n, bool headed)
{
	uint32_t c[TOK_MAX + 1], k;
	uint64_t h;
	struct pat *q;

	n = squeeze(p, code, n < TOK_MAX ? n : TOK_MAX, c);
	h = pat_mix(n, headed);
	for (uint32_t i = 0; i < n; i++)
		h += pat_mix(p->sym[c[i]].hash, i + 1);
	for (k = (uint32_t)h & p->mask; p->tab[k]; k = (k + 1) & p->mask) {
		q = &p->v[p->tab[k] - 1];
		if (q->hash != h)
			continue;
		if (q->dead) {
			q->dead = false;
			q->head = q->tail = PAT_NONE;
			q->members = 0;
		}
		return p->tab[k] - 1;
	}
	if (p->n == p->cap) {
		if (!grow_pats(p)) {
			p->failed = true;
			return PAT_NONE;
		}
		k = (uint32_t)h & p->mask;
		while (p->tab[k])
			k = (k + 1) & p->mask;
	}
	q = &p->v[p->n];
	*q = (struct pat){.n = n, .head = PAT_NONE, .tail = PAT_NONE, .hash = h, .headed = headed};
	q->code = arena_alloc(&p->codes, n * sizeof *q->code);
	if (!q->code) {
		p->failed = true;
		return PAT_NONE;
	}
	memcpy(q->code, c, n * sizeof *c);
	p->tab[k] = ++p->n;
	return p->n - 1;
}

void pats_add_member(struct pats *p, uint32_t pat, uint32_t skel)
{
	struct pat *q = &p->v[pat];

	p->next[skel] = PAT_NONE;
	if (q->head == PAT_NONE)
		q->head = skel;
	else
		p->next[q->tail] = skel;
	q->tail = skel;
	q->members++;
}

void pats_replace(struct pats *p, const uint32_t *from, size_t n, const uint32_t *code,
		  uint32_t len, bool headed)
{
	uint32_t head = PAT_NONE, tail = PAT_NONE, members = 0, to;
	struct pat *q;

	for (size_t i = 0; i < n; i++) {
		q = &p->v[from[i]];
		q->dead = true;
		if (head == PAT_NONE)
			head = q->head;
		else
			p->next[tail] = q->head;
		tail = q->tail;
		members += q->members;
	}
	to = pats_put(p, code, len, headed);
	if (to == PAT_NONE)
		return; /* p->failed is set */
	q = &p->v[to];
	if (q->head == PAT_NONE)
		q->head = head;
	else
		p->next[q->tail] = head;
	q->tail = tail;
	q->members += members;
}

uint32_t pats_words(const struct pats *p, const uint32_t *code, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		k += pats_is(p, code[i], SYM_LETTERS);
	return k;
}

static int by_key(const void *x, const void *y)
{
	const struct pat_row *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

void pat_rows_sort(struct pat_row *rows, size_t n)
{
	if (n)
		qsort(rows, n, sizeof *rows, by_key);
}
