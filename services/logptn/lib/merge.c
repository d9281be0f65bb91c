#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"
#include "logptn/lib/vocab.h"

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
	NEED_PAIR = 4,
	NEED_STEMS = 3, /* lines that differ in the digits of several words */
};

/* The delimiter is one of these characters. */
static bool quote(const struct pats *p, uint32_t code, const char *set)
{
	const struct sym *s = &p->sym[code];

	if (!(s->flags & SYM_PUNCT) || !s->len)
		return false;
	for (; *set; set++) {
		/* Characters of the set start where a byte does not continue one. */
		if (!strncmp(set, (const char *)s->text, s->len) &&
		    ((uint8_t)set[s->len] & 0xc0) != 0x80)
			return true;
	}
	return false;
}

#define OPENING "\"'[(<「『【（《“"
#define CLOSING "\"'])>」』】）》”"

static bool word_is(const struct sym *s, const char *w)
{
	return s->flags & SYM_WORD && s->len == strlen(w) &&
	       s->lower == vocab_fold((const uint8_t *)w, s->len);
}

/* "msg":"…" and the like carry the meaning of a structured line, so their text is judged like any other. */
static bool key_of_text(const struct sym *s)
{
	static const char *const keys[] = {"msg",    "message", "event", "error",
					   "reason", "text",    "log",   NULL};

	for (const char *const *k = keys; *k; k++)
		if (word_is(s, *k))
			return true;
	return false;
}

bool merge_keyed(const struct pats *p, const uint32_t *c, uint32_t i)
{
	if (i && quote(p, c[i - 1], "\"'"))
		i--;
	if (i && pats_is(p, c[i - 1], SYM_BLANK))
		i--;
	if (!i)
		return false;
	if (pats_punct(p, c[i - 1], '=')) {
		if (i > 1 && pats_is(p, c[i - 2], SYM_BLANK))
			i--;
		return i < 2 || !key_of_text(&p->sym[c[i - 2]]);
	}
	return i > 3 && pats_punct(p, c[i - 1], ':') && pats_punct(p, c[i - 2], '"') &&
	       !key_of_text(&p->sym[c[i - 3]]);
}

/* What the place of the slot alone asks for. */
static uint32_t need_of_place(const struct pats *p, const uint32_t *c, uint32_t n, uint32_t i)
{
	if (i > 1 && pats_is(p, c[i - 1], SYM_BLANK) &&
	    (word_is(&p->sym[c[i - 2]], "user") || word_is(&p->sym[c[i - 2]], "host")))
		return NEED_KEYED;
	if (merge_keyed(p, c, i))
		return NEED_KEYED;
	if (i && i + 1 < n && quote(p, c[i - 1], OPENING) && quote(p, c[i + 1], CLOSING))
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

/* Keeps the rows whose pattern is alive; returns their number. */
static uint32_t alive(const struct pats *p, struct pat_row *rows, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!p->v[rows[i].pat].dead)
			rows[k++] = rows[i];
	return k;
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

static bool replace_slots(struct pats *p, const struct pat_row *rows, uint32_t n, uint32_t a,
			  uint32_t b)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX], len = q->n, *from;

	memcpy(code, q->code, len * sizeof *code);
	code[a] = code[b] = PAT_VALUE;
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		from[i] = rows[i].pat;
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

/* The pattern's hash without the code at i. */
static uint64_t without(const struct pats *p, const struct pat *q, uint32_t i)
{
	return q->hash - pat_mix(p->sym[q->code[i]].hash, i + 1);
}

bool merge_slots(struct pats *p)
{
	size_t n = 0, cap = 0, ncand = 0;
	struct pat_row *rows;
	struct candidate *cand;
	bool changed = false;

	for (uint32_t k = 0; k < p->n; k++)
		cap += p->v[k].dead ? 0 : p->v[k].n;
	rows = malloc((cap + 1) * sizeof *rows);
	cand = malloc((cap / 2 + 1) * sizeof *cand);
	if (!rows || !cand) {
		p->failed = true;
		goto out;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];

		for (uint32_t i = 0; !q->dead && i < q->n; i++)
			if (!pats_is(p, q->code[i], SYM_PUNCT))
				rows[n++] = (struct pat_row){pat_mix(without(p, q, i), i), q->hash,
							     k, i};
	}
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
		uint32_t m = alive(p, r, cand[i].n);

		if (m && slot_varies(p, r, m))
			changed |= replace_slots(p, r, m, r->slot, r->slot);
	}
out:
	free(rows);
	free(cand);
	return changed;
}

/* At least NEED_PAIR different words in both slots, and not all of them states. */
static bool pair_varies(const struct pats *p, const struct pat_row *rows, uint32_t n, uint32_t a,
			uint32_t b)
{
	uint32_t seen[2][NEED_PAIR], have[2] = {0, 0};
	bool upper = true;

	for (uint32_t i = 0; i < n; i++) {
		for (unsigned s = 0; s < 2; s++) {
			uint32_t c = p->v[rows[i].pat].code[s ? b : a], k;

			upper &= pats_is(p, c, SYM_UPPER);
			for (k = 0; k < have[s] && seen[s][k] != c; k++)
				;
			if (k == have[s] && k < NEED_PAIR)
				seen[s][have[s]++] = c;
		}
	}
	return !upper && have[0] >= NEED_PAIR && have[1] >= NEED_PAIR;
}

/* Two patterns can differ in words only if their delimiters and the number of their words agree. */
static uint64_t structure(const struct pats *p, const struct pat *q)
{
	uint64_t h = pat_mix(q->n, q->headed);

	for (uint32_t i = 0; i < q->n; i++)
		if (pats_is(p, q->code[i], SYM_PUNCT))
			h += pat_mix(p->sym[q->code[i]].hash, i + 1);
	return h;
}

/* Lines with more words than this are not looked at in pairs: the work grows with the square. */
#define PAIR_WORDS 24u

static bool pairs_in(struct pats *p, const struct pat_row *rows, size_t n)
{
	struct pat_row *r;
	bool changed = false;
	uint32_t len = p->v[rows[0].pat].n;

	if (n < NEED_PAIR)
		return false;
	r = malloc(n * sizeof *r);
	if (!r) {
		p->failed = true;
		return false;
	}
	for (uint32_t a = 0; a < len; a++) {
		for (uint32_t b = a + 2; b < len; b++) {
			size_t m = 0;

			for (size_t i = 0; i < n; i++) {
				const struct pat *q = &p->v[rows[i].pat];

				if (q->dead || !pats_is(p, q->code[a], SYM_LETTERS) ||
				    !pats_is(p, q->code[b], SYM_LETTERS))
					continue;
				r[m++] = (struct pat_row){
					without(p, q, a) - pat_mix(p->sym[q->code[b]].hash, b + 1),
					q->hash, rows[i].pat, a};
			}
			if (m < NEED_PAIR)
				continue;
			pat_rows_sort(r, m);
			for (size_t i = 0, e; i < m; i = e) {
				const struct pat *q = &p->v[r[i].pat];

				for (e = i + 1; e < m && r[e].key == r[i].key; e++)
					;
				if (pats_words(p, q->code, q->n) < 4 ||
				    pats_words(p, q->code, q->n) > PAIR_WORDS)
					continue;
				if (e - i >= NEED_PAIR &&
				    pair_varies(p, r + i, (uint32_t)(e - i), a, b))
					changed |= replace_slots(p, r + i, (uint32_t)(e - i), a, b);
			}
		}
	}
	free(r);
	return changed;
}

bool merge_pairs(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++)
		if (!p->v[k].dead)
			rows[n++] = (struct pat_row){structure(p, &p->v[k]), p->v[k].hash, k, 0};
	changed = merge_groups(p, rows, n, pairs_in);
	free(rows);
	return changed;
}

/* r01=x r02=x, r07=x r31=x: the words that differ become values. */
static bool join_stems(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX], len = q->n, *from;

	if (n < NEED_STEMS)
		return false;
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	memcpy(code, q->code, len * sizeof *code);
	for (size_t i = 0; i < n; i++) {
		const struct pat *r = &p->v[rows[i].pat];

		from[i] = rows[i].pat;
		for (uint32_t k = 0; k < len; k++)
			if (r->code[k] != q->code[k])
				code[k] = PAT_VALUE;
	}
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

bool merge_stems(struct pats *p)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];
		uint64_t h = pat_mix(q->n, q->headed);
		uint32_t numbered = 0;

		for (uint32_t i = 0; !q->dead && i < q->n; i++) {
			const struct sym *s = &p->sym[q->code[i]];
			bool is = s->flags & SYM_WORD && s->flags & SYM_DIGITS;

			numbered += is;
			h += pat_mix(is ? s->stem : s->hash, i + 1);
		}
		if (numbered > 1)
			rows[n++] = (struct pat_row){h, q->hash, k, 0};
	}
	changed = merge_groups(p, rows, n, join_stems);
	free(rows);
	return changed;
}

bool merge_groups(struct pats *p, struct pat_row *rows, size_t n, merge_group_fn fn)
{
	bool changed = false;

	pat_rows_sort(rows, n);
	for (size_t i = 0, e; i < n; i = e) {
		uint32_t m;

		for (e = i + 1; e < n && rows[e].key == rows[i].key; e++)
			;
		m = alive(p, rows + i, (uint32_t)(e - i));
		if (m > 1)
			changed |= fn(p, rows + i, m);
	}
	return changed;
}

int merge_run(struct pats *p)
{
	/* Each change removes a pattern, so this ends; the bound is for the rare ping-pong of revived ones. */
	for (int round = 0; round < 32 && !p->failed; round++) {
		bool changed = merge_slots(p);

		changed |= merge_stems(p);
		changed |= merge_values(p);
		changed |= merge_pairs(p);
		changed |= merge_forms(p);
		changed |= merge_lists(p);
		changed |= merge_spans(p);
		if (!changed)
			break;
	}
	return p->failed ? -ENOMEM : 0;
}
