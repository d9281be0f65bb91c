#include "logptn/lib/skel/skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/line/chars.h"

int skels_init(struct skels *t)
{
	memset(t, 0, sizeof *t);
	t->max = SKELS_MAX;
	t->cap = 256;
	t->mask = 1023;
	t->v = calloc(t->cap, sizeof *t->v);
	t->tab = calloc(t->mask + 1, sizeof *t->tab);
	if (!shape_cache_init(&t->cache) && t->v && t->tab)
		return 0;
	skels_fini(t);
	return -ENOMEM;
}

void skels_fini(struct skels *t)
{
	skel_index_free(&t->index);
	for (uint32_t i = 0; t->v && i < t->n; i++) {
		for (unsigned k = 0; k < t->v[i].nsamples; k++)
			free(t->v[i].sample[k]);
		free(t->v[i].sample);
		free(t->v[i].tags);
	}
	arena_free(&t->texts);
	shape_cache_fini(&t->cache);
	free(t->v);
	free(t->tab);
	memset(t, 0, sizeof *t);
}

uint32_t skels_find_hashed(const struct skels *t, uint64_t hash, const uint8_t *text, size_t len)
{
	for (uint32_t k = (uint32_t)hash & t->mask; t->tab[k]; k = (k + 1) & t->mask) {
		const struct skel *s = &t->v[t->tab[k] - 1];

		if (s->hash == hash && s->len == len && !memcmp(s->text, text, len))
			return t->tab[k] - 1;
	}
	return SKEL_NONE;
}

uint32_t skels_find(const struct skels *t, const uint8_t *text, size_t len)
{
	return skels_find_hashed(t, shape_hash_any(text, len), text, len);
}

static bool skels_grow(struct skels *t)
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

uint32_t skels_create(struct skels *t, uint64_t hash, const uint8_t *text, size_t len,
		      const struct slot *slots, uint32_t nslots)
{
	struct skel *s;
	uint8_t *copy;
	uint32_t k;
	unsigned before = skels_samples(t);

	if (t->n == t->cap && !skels_grow(t)) {
		t->failed = true;
		return SKEL_NONE;
	}
	s = &t->v[t->n];
	memset(s, 0, sizeof *s);
	copy = arena_alloc(&t->texts, len);
	s->slot = arena_alloc(&t->texts, nslots * sizeof *s->slot + 1);
	s->sample = malloc(SKEL_SAMPLES_MAX * sizeof *s->sample);
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
	if (skels_samples(t) < before)
		skels_thin(t);
	return t->n - 1;
}

void skel_unite(struct skel *s, const struct slot *slots, uint32_t nslots)
{
	for (uint32_t k = 0; k < nslots && k < s->nslots; k++) {
		s->slot[k].chars |= slots[k].chars;
		s->slot[k].types |= slots[k].types;
	}
}

uint32_t skels_insert(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		      uint32_t nslots)
{
	uint64_t hash = shape_hash_any(text, len);
	uint32_t k = skels_find_hashed(t, hash, text, len);

	if (k == SKEL_NONE)
		return skels_create(t, hash, text, len, slots, nslots);
	skel_unite(&t->v[k], slots, nslots);
	return k;
}

uint32_t skels_coarse(struct skels *t, const uint8_t *text, size_t len, bool add)
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
		i = skels_find_hashed(t, shape_hash_any(first, e), first, e);
		if (i != SKEL_NONE)
			return i;
		if (add && t->n < t->max + SKELS_COARSE(t->max))
			return skels_create(t, shape_hash_any(first, e), first, e, &all, 1);
	}
	first[0] = TEXT_VALUE;
	i = skels_find_hashed(t, shape_hash_any(first, 1), first, 1);
	return i == SKEL_NONE && add ? skels_create(t, shape_hash_any(first, 1), first, 1, &all, 1)
				     : i;
}

void skels_count(struct skels *t, uint32_t k, const uint8_t *line, size_t n)
{
	struct skel *s = &t->v[k];
	uint64_t hash = shape_hash(line, n < SHAPE_MAX ? n : SHAPE_MAX);

	s->lines++;
	s->records++;
	t->lines++;
	if (hash <= s->worst)
		skels_put_sample(t, k, hash, 1, line, n, false);
	if (t->now_ns) {
		if (!s->first_ns || t->now_ns < s->first_ns)
			s->first_ns = t->now_ns;
		if (t->now_ns > s->last_ns)
			s->last_ns = t->now_ns;
	}
}

void skels_more(struct skels *t, uint32_t k)
{
	t->v[k].lines++;
	t->lines++;
}

void skels_tag(struct skels *t, uint32_t k, uint32_t tag, uint64_t lines)
{
	struct tags *g = t->v[k].tags;
	uint32_t i = 0;

	if (!g) {
		g = t->v[k].tags = calloc(1, sizeof *g);
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
