/*
 * One word varies: lines that differ in one place only are one format when that place had enough
 * different words. How many are enough depends on the place and on the words.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"
#include "logptn/lib/pat/pat_words.h"

/* How many different words make a slot a value, by where the slot is. */
enum {
	NEED_ANY = 6,
	NEED_KEYED = 2,      /* behind = and in "key":"…" */
	NEED_QUOTED = 3,     /* alone between quotes or brackets */
	NEED_COLON = 4,      /* right behind a colon */
	NEED_STEM = 2,       /* differing in digits only */
	NEED_UNIT = 2,       /* 10 KB, 10 MB */
	NEED_NUMBERED = 3,   /* names with numbers: eth0, wlan1, tun4 */
	NEED_UPPER = 8,      /* RUNNING, STOPPED: states mean something */
	NEED_DOTTED = 3,     /* com.example.a */
	NEED_SPACES = 2,     /* com.example.a, org.other.b */
	NEED_TYPED = 2,      /* one of them was recognised as a value */
	NEED_TYPED_BARE = 3, /* … but little else is there to hold on to */
};

#define OPENING "\"'[(<「『【（《“"
#define CLOSING "\"'])>」』】）》”"

/* What the place of the slot alone asks for. */
static uint32_t need_of_place(const struct pats *p, const uint32_t *c, uint32_t n, uint32_t i)
{
	if (i > 1 && pats_is(p, c[i - 1], SYM_BLANK) &&
	    (pats_word_is(p, c[i - 2], "user") || pats_word_is(p, c[i - 2], "host")))
		return NEED_KEYED;
	if (pats_keyed(p, c, i))
		return NEED_KEYED;
	if (i && i + 1 < n && pats_delimiter_in(p, c[i - 1], OPENING) &&
	    pats_delimiter_in(p, c[i + 1], CLOSING))
		return NEED_QUOTED;
	if (i && pats_punct(p, c[i - 1], ':'))
		return NEED_COLON;
	return NEED_ANY;
}

struct candidate {
	uint64_t key;
	size_t from;
	uint32_t n;
};

static int by_size(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

/* Whether rows that differ in one slot only are one format. */
static bool slot_varies(const struct pats *p, const struct pat_row *rows, uint32_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t slot = rows[0].slot, need, consts, words = 0;
	bool stem = true, upper = true, dotted = true, spaces = false, typed = false;
	bool numbered = true, unit = slot > 1 && q->code[slot - 2] == PAT_VALUE;
	const struct sym *first = NULL;

	if (n < 2)
		return false;
	consts = pats_words(p, q->code, q->n) - pats_is(p, q->code[slot], SYM_LETTERS);
	if (!consts || (!slot && consts < 2))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t c = p->v[rows[i].pat].code[slot];
		const struct sym *s = &p->sym[c];

		if (c == PAT_VALUE) {
			typed = true;
			continue;
		}
		if (!first)
			first = s;
		words++;
		stem &= s->stem == first->stem;
		upper &= (s->flags & SYM_UPPER) != 0;
		numbered &= (s->flags & SYM_DIGITS) != 0;
		unit &= (s->flags & SYM_UNIT) != 0;
		dotted &= (s->flags & SYM_DOTTED) != 0;
		spaces |= s->space != first->space;
	}
	need = need_of_place(p, q->code, q->n, slot);
	if (words > 1 && stem)
		need = NEED_STEM;
	if (need == NEED_ANY && upper)
		need = NEED_UPPER;
	if (numbered && need > NEED_NUMBERED)
		need = NEED_NUMBERED;
	if (unit)
		need = NEED_UNIT;
	if (dotted && need > NEED_DOTTED)
		need = NEED_DOTTED;
	if (dotted && spaces)
		need = NEED_SPACES;
	if (typed && need > (consts >= 2 ? NEED_TYPED : NEED_TYPED_BARE))
		need = consts >= 2 ? NEED_TYPED : NEED_TYPED_BARE;
	return n >= need;
}

/* Which keys came once and which again, roughly: most slots are alone with their surroundings, and
 * need no sorting. */
#define SEEN_BITS (1u << 19)
struct seen {
	uint64_t once[SEEN_BITS / 64], again[SEEN_BITS / 64];
};

static void see_key(struct seen *s, uint64_t key)
{
	uint64_t bit = UINT64_C(1) << (key % 64), *once = &s->once[key % SEEN_BITS / 64];

	if (*once & bit)
		s->again[key % SEEN_BITS / 64] |= bit;
	*once |= bit;
}

static bool came_again(const struct seen *s, uint64_t key)
{
	return s->again[key % SEEN_BITS / 64] >> (key % 64) & 1;
}

static uint64_t slot_key(const struct pats *p, const struct pat *q, uint32_t i)
{
	return pat_mix(merge_without(p, q, i), i);
}

/* The slots whose surroundings came more than once. Returns their number. */
static size_t slot_rows(const struct pats *p, const struct seen *s, struct pat_row *rows)
{
	size_t n = 0;

	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];

		for (uint32_t i = 0; !q->dead && i < q->n; i++) {
			uint64_t key;

			if (pats_is(p, q->code[i], SYM_PUNCT))
				continue;
			key = slot_key(p, q, i);
			if (came_again(s, key))
				rows[n++] = (struct pat_row){key, q->hash, k, i};
		}
	}
	return n;
}

bool pass_slots(struct pats *p)
{
	size_t n = 0, cap = 0, ncand = 0;
	struct pat_row *rows;
	struct candidate *cand;
	struct seen *seen = calloc(1, sizeof *seen);
	bool changed = false;

	for (uint32_t k = 0; seen && k < p->n; k++) {
		const struct pat *q = &p->v[k];

		for (uint32_t i = 0; !q->dead && i < q->n; i++)
			if (!pats_is(p, q->code[i], SYM_PUNCT)) {
				see_key(seen, slot_key(p, q, i));
				cap++;
			}
	}
	rows = malloc((cap + 1) * sizeof *rows);
	cand = malloc((cap / 2 + 1) * sizeof *cand);
	if (!rows || !cand || !seen) {
		p->failed = true;
		goto out;
	}
	n = slot_rows(p, seen, rows);
	pat_rows_sort(rows, n);
	for (size_t i = 0, e; i < n; i = e) {
		for (e = i + 1; e < n && rows[e].key == rows[i].key; e++)
			;
		if (e - i > 1 && slot_varies(p, rows + i, (uint32_t)(e - i)))
			cand[ncand++] = (struct candidate){rows[i].key, i, (uint32_t)(e - i)};
	}
	if (ncand)
		qsort(cand, ncand, sizeof *cand, by_size);
	for (size_t i = 0; i < ncand; i++) {
		struct pat_row *r = rows + cand[i].from;
		uint32_t m = merge_alive(p, r, cand[i].n);

		if (m && slot_varies(p, r, m))
			changed |= merge_replace(p, r, m, r->slot, r->slot);
	}
out:
	free(seen);
	free(rows);
	free(cand);
	return changed;
}
