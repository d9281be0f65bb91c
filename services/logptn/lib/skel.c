#include "logptn/lib/skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/chars.h"
#include "logptn/lib/general.h"

/* A cache from shapes to skeletons; it is emptied when full. */
struct alias {
	uint64_t hash;
	uint32_t skel; /* + 1 */
};
#define ALIASES_START 4096u
#define ALIASES_MAX   131072u

#define BLOCK       (256u * 1024)
#define SAMPLES_MAX 32u
/* Beyond this, samples thin out, so that they cannot outweigh the rest. */
#define SAMPLE_BYTES (16u << 20)

struct block {
	struct block *next;
	uint64_t mem[];
};

/* How many samples a skeleton keeps. Fewer when there are many skeletons; a smaller number keeps a
 * subset. */
static unsigned samples_of(const struct skels *t)
{
	if (t->sample_bytes > SAMPLE_BYTES)
		return 1;
	return t->n <= 512 ? SAMPLES_MAX : t->n <= 4096 ? 8 : 3;
}

static void *take(struct skels *t, size_t n)
{
	struct block *b = t->blocks;

	n = (n + 7) & ~(size_t)7;
	if (!b || t->block_used + n > t->block_cap) {
		size_t cap = n > BLOCK ? n : BLOCK;

		b = malloc(sizeof *b + cap);
		if (!b)
			return NULL;
		b->next = t->blocks;
		t->blocks = b;
		t->block_used = 0;
		t->block_cap = cap;
	}
	t->block_used += n;
	return (uint8_t *)b->mem + t->block_used - n;
}

int skels_init(struct skels *t)
{
	memset(t, 0, sizeof *t);
	t->max = SKELS_MAX;
	t->cap = 256;
	t->mask = 1023;
	t->amask = ALIASES_START - 1;
	t->v = calloc(t->cap, sizeof *t->v);
	t->tab = calloc(t->mask + 1, sizeof *t->tab);
	t->alias = calloc(t->amask + 1, sizeof *t->alias);
	if (t->v && t->tab && t->alias)
		return 0;
	skels_fini(t);
	return -ENOMEM;
}

void skels_fini(struct skels *t)
{
	general_free(t);
	for (uint32_t i = 0; t->v && i < t->n; i++) {
		for (unsigned k = 0; k < t->v[i].nsamples; k++)
			free(t->v[i].sample[k]);
		free(t->v[i].sample);
		free(t->v[i].tags);
	}
	for (struct block *b = t->blocks; b;) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
	free(t->v);
	free(t->tab);
	free(t->alias);
	memset(t, 0, sizeof *t);
}

static void alias_put(struct skels *t, uint64_t hash, uint32_t skel)
{
	uint32_t k;

	if (2 * t->aliases > t->amask) {
		if (t->amask + 1 < ALIASES_MAX) {
			uint32_t mask = 4 * (t->amask + 1) - 1;
			struct alias *a = calloc((size_t)mask + 1, sizeof *a);

			if (!a)
				return;
			for (uint32_t i = 0; i <= t->amask; i++) {
				if (!t->alias[i].skel)
					continue;
				for (k = (uint32_t)t->alias[i].hash & mask; a[k].skel;
				     k = (k + 1) & mask)
					;
				a[k] = t->alias[i];
			}
			free(t->alias);
			t->alias = a;
			t->amask = mask;
		} else {
			memset(t->alias, 0, ((size_t)t->amask + 1) * sizeof *t->alias);
			t->aliases = 0;
		}
	}
	for (k = (uint32_t)hash & t->amask; t->alias[k].skel; k = (k + 1) & t->amask)
		;
	t->alias[k] = (struct alias){hash, skel + 1};
	t->aliases++;
}

static uint32_t lookup(const struct skels *t, uint64_t hash, const uint8_t *text, size_t len)
{
	for (uint32_t k = (uint32_t)hash & t->mask; t->tab[k]; k = (k + 1) & t->mask) {
		const struct skel *s = &t->v[t->tab[k] - 1];

		if (s->hash == hash && s->len == len && !memcmp(s->text, text, len))
			return t->tab[k] - 1;
	}
	return SKEL_NONE;
}

static bool grow(struct skels *t)
{
	struct skel *v = realloc(t->v, 2 * (size_t)t->cap * sizeof *v);
	uint32_t mask, *tab;

	if (!v)
		return false;
	t->v = v;
	t->cap *= 2;
	mask = 4 * t->cap - 1;
	tab = calloc((size_t)mask + 1, sizeof *tab);
	if (!tab)
		return false;
	free(t->tab);
	t->tab = tab;
	t->mask = mask;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t k = (uint32_t)t->v[i].hash & mask;

		while (tab[k])
			k = (k + 1) & mask;
		tab[k] = i + 1;
	}
	return true;
}

/* Takes away samples that are too many after the number of skeletons has grown. */
static void thin(struct skels *t)
{
	unsigned most = samples_of(t);

	for (uint32_t i = 0; i < t->n; i++) {
		struct skel *s = &t->v[i];

		while (s->nsamples > most) {
			struct sample *last = s->sample[--s->nsamples];

			t->sample_bytes -= last->len;
			free(last);
		}
		s->worst = s->nsamples < most ? UINT64_MAX : s->sample[s->nsamples - 1]->hash;
	}
}

static uint32_t create(struct skels *t, uint64_t hash, const uint8_t *text, size_t len,
		       const struct slot *slots, uint32_t nslots)
{
	struct skel *s;
	uint8_t *copy;
	uint32_t k;
	unsigned before = samples_of(t);

	if (t->n == t->cap && !grow(t)) {
		t->failed = true;
		return SKEL_NONE;
	}
	s = &t->v[t->n];
	memset(s, 0, sizeof *s);
	copy = take(t, len);
	s->slot = take(t, nslots * sizeof *s->slot + 1);
	s->sample = malloc(SAMPLES_MAX * sizeof *s->sample);
	if (!copy || !s->slot || !s->sample) {
		free(s->sample);
		t->failed = true;
		return SKEL_NONE;
	}
	memcpy(copy, text, len);
	if (nslots)
		memcpy(s->slot, slots, nslots * sizeof *s->slot);
	s->hash = hash;
	s->text = copy;
	s->len = (uint32_t)len;
	s->nslots = nslots;
	s->worst = UINT64_MAX;
	for (k = (uint32_t)hash & t->mask; t->tab[k]; k = (k + 1) & t->mask)
		;
	t->tab[k] = ++t->n;
	if (samples_of(t) < before)
		thin(t);
	return t->n - 1;
}

/* The coarse skeleton: the first word and a value that may be anything. */
static uint32_t coarse(struct skels *t, const uint8_t *text, size_t len, bool add)
{
	static const struct slot all = {CHARS_ALL, 1u << TYPE_REST};
	uint8_t first[SHAPE_ROOM + 8] = {TEXT_VALUE};
	size_t e = 0;
	uint32_t i;

	if (len && text[0] == TEXT_WORD) {
		for (e = 1; e < len && text[e] > TEXT_PUNCT; e++)
			;
		memcpy(first, text, e);
		first[e++] = TEXT_PUNCT;
		first[e++] = ' ';
		first[e++] = TEXT_VALUE;
		i = lookup(t, shape_hash_any(first, e), first, e);
		if (i != SKEL_NONE)
			return i;
		if (add && t->n < t->max + SKELS_COARSE(t->max))
			return create(t, shape_hash_any(first, e), first, e, &all, 1);
	}
	first[0] = TEXT_VALUE;
	i = lookup(t, shape_hash_any(first, 1), first, 1);
	return i == SKEL_NONE && add ? create(t, shape_hash_any(first, 1), first, 1, &all, 1) : i;
}

static void unite(struct skel *s, const struct slot *slots, uint32_t nslots)
{
	for (uint32_t k = 0; k < nslots && k < s->nslots; k++) {
		s->slot[k].chars |= slots[k].chars;
		s->slot[k].types |= slots[k].types;
	}
}

/* Where `lines` lines with this skeleton are counted. */
static uint32_t place(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		      uint32_t nslots, uint64_t lines)
{
	uint64_t hash = shape_hash_any(text, len);
	uint32_t i = lookup(t, hash, text, len);

	if (i != SKEL_NONE) {
		unite(&t->v[i], slots, nslots);
		return i;
	}
	i = general_find(t, text, len, slots);
	if (i == SKEL_NONE && t->n >= t->max && !t->full) {
		if (general_make(t))
			t->full = true;
		i = lookup(t, hash, text, len);
		if (i == SKEL_NONE)
			i = general_find(t, text, len, slots);
	}
	if (i != SKEL_NONE)
		return i;
	if (t->n < t->max)
		return create(t, hash, text, len, slots, nslots);
	t->coarse += lines;
	return coarse(t, text, len, true);
}

uint32_t skels_put(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		   uint32_t nslots)
{
	return place(t, text, len, slots, nslots, 0);
}

/* The slow path: a shape that the cache does not have. */
static uint32_t resolve(struct skels *t, const uint8_t *shape, size_t n, bool add)
{
	struct token tok[TOK_MAX];
	struct slot slots[TOK_MAX];
	uint8_t text[SKEL_TEXT_MAX + 3 * TOK_MAX + 64];
	size_t ntok = tokenize(shape, n, tok), len;
	uint32_t nslots = 0, i;

	for (size_t k = 0; k < ntok; k++)
		if (tok[k].kind == TOK_VALUE)
			slots[nslots++] =
				(struct slot){tok[k].chars, (uint16_t)(1u << tok[k].type)};
	len = tok_text(shape, tok, ntok, text);
	if (add)
		return place(t, text, len, slots, nslots, 1);
	i = lookup(t, shape_hash_any(text, len), text, len);
	if (i == SKEL_NONE)
		i = general_find(t, text, len, slots);
	return i == SKEL_NONE ? coarse(t, text, len, false) : i;
}

void skels_put_sample(struct skels *t, uint32_t skel, uint64_t hash, uint64_t lines,
		      const uint8_t *line, size_t n, bool cut)
{
	struct skel *s = &t->v[skel];
	unsigned most = samples_of(t), at = s->nsamples;
	struct sample *x;

	while (at && s->sample[at - 1]->hash > hash)
		at--;
	if (at && s->sample[at - 1]->hash == hash) {
		s->sample[at - 1]->lines += lines;
		return;
	}
	if (at >= most)
		return;
	if (n > SAMPLE_TEXT_MAX) {
		n = SAMPLE_TEXT_MAX;
		cut = true;
	}
	x = malloc(sizeof *x + n + SHAPE_SLACK);
	if (!x)
		return;
	*x = (struct sample){.hash = hash, .lines = lines, .len = (uint32_t)n, .cut = cut};
	memcpy(x->text, line, n);
	memset(x->text + n, 0, SHAPE_SLACK);
	while (s->nsamples >= most) {
		struct sample *last = s->sample[--s->nsamples];

		t->sample_bytes -= last->len;
		free(last);
	}
	memmove(s->sample + at + 1, s->sample + at, (s->nsamples - at) * sizeof *s->sample);
	s->sample[at] = x;
	s->nsamples++;
	t->sample_bytes += n;
	s->worst = s->nsamples < most ? UINT64_MAX : s->sample[s->nsamples - 1]->hash;
}

uint32_t skels_add(struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM];
	size_t len = shape_line(line, n, shape);
	uint64_t hash = shape_hash(shape, len), lh;
	uint32_t k, i;
	struct skel *s;

	for (k = (uint32_t)hash & t->amask; t->alias[k].skel; k = (k + 1) & t->amask)
		if (t->alias[k].hash == hash)
			break;
	if (t->alias[k].skel) {
		i = t->alias[k].skel - 1;
	} else {
		i = resolve(t, shape, len, true);
		if (i == SKEL_NONE)
			return SKEL_NONE;
		alias_put(t, hash, i);
	}
	s = &t->v[i];
	s->lines++;
	s->records++;
	t->lines++;
	lh = shape_hash(line, n < SHAPE_MAX ? n : SHAPE_MAX);
	if (lh <= s->worst)
		skels_put_sample(t, i, lh, 1, line, n, false);
	if (t->now_ns) {
		if (!s->first_ns || t->now_ns < s->first_ns)
			s->first_ns = t->now_ns;
		if (t->now_ns > s->last_ns)
			s->last_ns = t->now_ns;
	}
	return i;
}

void skels_tag(struct skels *t, uint32_t skel, uint32_t tag, uint64_t lines)
{
	struct tags *g = t->v[skel].tags;
	uint32_t i = 0;

	if (!g) {
		g = t->v[skel].tags = calloc(1, sizeof *g);
		if (!g) {
			t->failed = true;
			return;
		}
	}
	while (i < g->n && g->v[i].tag != tag)
		i++;
	if (i == SKEL_TAGS) {
		g->other += lines;
		return;
	}
	if (i == g->n)
		g->v[g->n++] = (struct tag){tag, 0};
	g->v[i].lines += lines;
}

void skels_more(struct skels *t, uint32_t skel)
{
	t->v[skel].lines++;
	t->lines++;
}

uint32_t skels_find(struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM];
	size_t len = shape_line(line, n, shape);
	uint64_t hash = shape_hash(shape, len);
	uint32_t k, i;

	for (k = (uint32_t)hash & t->amask; t->alias[k].skel; k = (k + 1) & t->amask)
		if (t->alias[k].hash == hash)
			return t->alias[k].skel - 1;
	i = resolve(t, shape, len, false);
	if (i != SKEL_NONE)
		alias_put(t, hash, i);
	return i;
}

uint32_t skels_text(const struct skels *t, const uint8_t *text, size_t len)
{
	return lookup(t, shape_hash_any(text, len), text, len);
}

uint32_t skels_peek(const struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM], text[SKEL_TEXT_MAX + 3 * TOK_MAX + 64];
	struct token tok[TOK_MAX];
	size_t ntok = tokenize(shape, shape_line(line, n, shape), tok);

	return skels_text(t, text, tok_text(shape, tok, ntok, text));
}

void skels_take(struct skels *t, uint32_t k, const struct skel *s)
{
	struct skel *d = &t->v[k];

	d->lines += s->lines;
	d->records += s->records;
	if (s->first_ns && (!d->first_ns || s->first_ns < d->first_ns))
		d->first_ns = s->first_ns;
	if (s->last_ns > d->last_ns)
		d->last_ns = s->last_ns;
	for (uint32_t i = 0; s->tags && i < s->tags->n; i++)
		skels_tag(t, k, s->tags->v[i].tag, s->tags->v[i].lines);
	if (s->tags && d->tags)
		d->tags->other += s->tags->other;
	for (unsigned i = 0; i < s->nsamples; i++)
		skels_put_sample(t, k, s->sample[i]->hash, s->sample[i]->lines, s->sample[i]->text,
				 s->sample[i]->len, s->sample[i]->cut);
	if (s->known && !d->known) {
		d->known = true;
		memcpy(d->format, s->format, sizeof d->format);
	}
}

void skels_union(struct skels *t, const struct skels *from)
{
	for (uint32_t i = 0; i < from->n; i++) {
		const struct skel *s = &from->v[i];
		uint32_t k = place(t, s->text, s->len, s->slot, s->nslots, s->lines);

		if (k != SKEL_NONE)
			skels_take(t, k, s);
	}
	t->lines += from->lines;
	t->coarse += from->coarse;
	t->failed |= from->failed;
}
