#include "logptn/lib/intake/intake.h"

#include "logptn/lib/intake/condense.h"

/* The skeleton that stands for this one among others, and learns its values; SKEL_NONE: none. */
static uint32_t find_pattern(struct skels *t, const uint8_t *text, size_t len,
			     const struct slot *slots)
{
	struct slot gained[TOK_MAX];
	uint32_t n, k;

	if (!t->index)
		return SKEL_NONE;
	k = skel_index_find(t->index, text, len, slots, gained, &n);
	if (k != SKEL_NONE)
		skel_unite(&t->v[k], gained, n);
	return k;
}

/* Where `lines` lines with this skeleton are counted. */
static uint32_t place(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		      uint32_t nslots, uint64_t lines)
{
	uint64_t hash = shape_hash_any(text, len);
	uint32_t k = skels_find_hashed(t, hash, text, len);

	if (k != SKEL_NONE) {
		skel_unite(&t->v[k], slots, nslots);
		return k;
	}
	k = find_pattern(t, text, len, slots);
	if (k == SKEL_NONE && t->n >= t->max && !t->full) {
		if (condense(t))
			t->full = true;
		k = skels_find_hashed(t, hash, text, len);
		if (k == SKEL_NONE)
			k = find_pattern(t, text, len, slots);
	}
	if (k != SKEL_NONE)
		return k;
	if (t->n < t->max)
		return skels_create(t, hash, text, len, slots, nslots);
	t->coarse += lines;
	return skels_coarse(t, text, len, true);
}

uint32_t intake_put(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		    uint32_t nslots)
{
	return place(t, text, len, slots, nslots, 0);
}

/* The text of a shape's skeleton, and what its values are. */
struct reading {
	struct slot slots[TOK_MAX];
	uint32_t nslots;
	uint8_t text[SKEL_TEXT_MAX + 3 * TOK_MAX + 64];
	size_t len;
};

static void read_shape(const uint8_t *shape, size_t n, struct reading *r)
{
	struct token tok[TOK_MAX];
	size_t ntok = tokenize(shape, n, tok);

	r->nslots = 0;
	for (size_t k = 0; k < ntok; k++)
		if (tok[k].kind == TOK_VALUE)
			r->slots[r->nslots++] =
				(struct slot){tok[k].chars, (uint16_t)(1u << tok[k].type)};
	r->len = tok_text(shape, tok, ntok, r->text);
}

uint32_t intake_add(struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM];
	size_t len = shape_line(line, n, shape);
	uint64_t hash = shape_hash(shape, len);
	uint32_t k;

	if (!shape_cache_get(&t->cache, hash, &k)) {
		struct reading r;

		read_shape(shape, len, &r);
		k = place(t, r.text, r.len, r.slots, r.nslots, 1);
		if (k == SKEL_NONE)
			return SKEL_NONE;
		shape_cache_put(&t->cache, hash, k);
	}
	skels_count(t, k, line, n);
	return k;
}

uint32_t intake_find(struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM];
	size_t len = shape_line(line, n, shape);
	uint64_t hash = shape_hash(shape, len);
	struct reading r;
	uint32_t k;

	if (shape_cache_get(&t->cache, hash, &k))
		return k;
	read_shape(shape, len, &r);
	k = skels_find(t, r.text, r.len);
	if (k == SKEL_NONE)
		k = find_pattern(t, r.text, r.len, r.slots);
	if (k == SKEL_NONE)
		k = skels_coarse(t, r.text, r.len, false);
	if (k != SKEL_NONE)
		shape_cache_put(&t->cache, hash, k);
	return k;
}

uint32_t intake_peek(const struct skels *t, const uint8_t *line, size_t n)
{
	uint8_t shape[SHAPE_ROOM];
	struct reading r;

	read_shape(shape, shape_line(line, n, shape), &r);
	return skels_find(t, r.text, r.len);
}

void intake_union(struct skels *t, const struct skels *from)
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
