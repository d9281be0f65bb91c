#include "logptn/lib/format/header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/pat/pat_words.h"

/* How many items a column may take until the dash or colon that ends it: "Google Chrome[123]:". */
#define REACH 4u

/* The item that starts at or behind *at; a group in brackets is one. False if there is none. */
static bool item(const struct pats *p, const struct header_line *l, uint32_t *at, struct span *out)
{
	uint32_t i = *at, depth = 0;

	while (i < l->n && pats_is(p, l->code[i], SYM_BLANK))
		i++;
	if (i >= l->n)
		return false;
	out->from = i;
	for (; i < l->n; i++) {
		if (pats_punct(p, l->code[i], '[') || pats_punct(p, l->code[i], '('))
			depth++;
		else if (depth &&
			 (pats_punct(p, l->code[i], ']') || pats_punct(p, l->code[i], ')')))
			depth--;
		else if (!depth &&
			 (pats_is(p, l->code[i], SYM_BLANK) || pats_punct(p, l->code[i], '|')))
			break;
	}
	if (depth)
		for (i = out->from; i < l->n && !pats_is(p, l->code[i], SYM_BLANK); i++)
			;
	out->to = i;
	*at = i + (i < l->n);
	return true;
}

static bool dash(const struct pats *p, uint32_t code)
{
	const struct sym *s = pats_sym(p, code);

	return s->len == 1 && s->text[0] == '-';
}

static enum header_kind kind_of(const struct pats *p, const struct header_line *l, struct span s)
{
	const uint32_t *c = l->code;
	uint32_t n = s.to - s.from;

	if (s.to < l->n && pats_punct(p, c[s.to], '|'))
		return HEADER_BAR;
	if (!n)
		return HEADER_WORD;
	if (pats_is(p, c[s.from], SYM_LEVEL) &&
	    (n == 1 || (n == 2 && pats_is(p, c[s.from + 1], SYM_PUNCT))))
		return HEADER_LEVEL;
	if (pats_punct(p, c[s.to - 1], ':'))
		return HEADER_COLON;
	if (pats_punct(p, c[s.from], '[') && pats_punct(p, c[s.to - 1], ']'))
		return HEADER_GROUP;
	if (n == 1 && dash(p, c[s.from]))
		return HEADER_DASH;
	return pats_has_value(c, s) ? HEADER_VALUE : HEADER_WORD;
}

struct finder {
	const struct pats *p;
	const struct header_line *lines;
	uint32_t n, least;
	uint32_t *at; /* of each line: where the next column starts; GONE: it has dropped out */
	uint32_t *then;
	struct header *h;
	struct span *tmp;
};

#define GONE UINT32_MAX

/* The kind that most lines have next, and how many. */
static enum header_kind most_common(struct finder *f, uint32_t *count)
{
	uint32_t counts[HEADER_END + 1] = {0};
	enum header_kind best = HEADER_END;

	for (uint32_t i = 0; i < f->n; i++) {
		struct span s;
		uint32_t at = f->at[i];

		if (at == GONE)
			continue;
		counts[item(f->p, &f->lines[i], &at, &s) ? kind_of(f->p, &f->lines[i], s)
							 : HEADER_END]++;
	}
	for (int k = 0; k <= HEADER_END; k++)
		if (counts[k] > counts[best])
			best = (enum header_kind)k;
	*count = counts[best];
	return best;
}

/* Takes one item as column c in the lines where it is of this kind (HEADER_WORD: of any). */
static uint32_t take_one(struct finder *f, uint32_t c, enum header_kind kind)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		struct span s;

		if (f->at[i] == GONE)
			continue;
		if (!item(f->p, &f->lines[i], &f->at[i], &s) ||
		    (kind != HEADER_WORD && kind_of(f->p, &f->lines[i], s) != kind) ||
		    f->at[i] >= f->lines[i].n) {
			f->at[i] = GONE;
			continue;
		}
		f->h->row[i].col[c] = s;
		live++;
	}
	return live;
}

/* Takes all up to an item of this kind, if enough lines have one within reach. */
static bool take_until(struct finder *f, uint32_t c, enum header_kind kind)
{
	uint32_t found = 0, later = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t at = f->at[i], from = GONE;
		struct span s;

		f->then[i] = GONE;
		for (uint32_t k = 0; at != GONE && k < REACH && item(f->p, &f->lines[i], &at, &s);
		     k++) {
			if (from == GONE)
				from = s.from;
			if (kind_of(f->p, &f->lines[i], s) != kind)
				continue;
			if (at < f->lines[i].n) {
				f->then[i] = at;
				f->tmp[i] = (struct span){from, s.to};
				found++;
				later += k > 0;
			}
			break;
		}
	}
	/* If nearly all have something before it, that is a column of its own: the host. */
	if (found < f->least || later >= f->least)
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		f->at[i] = f->then[i];
		if (f->at[i] != GONE)
			f->h->row[i].col[c] = f->tmp[i];
	}
	return true;
}

/* A header has a time in it, or says so by its other columns. */
static bool credible(const struct finder *f)
{
	uint32_t times = 0, values = 0;

	for (uint32_t c = 0; c < f->h->ncols; c++) {
		values += f->h->kind[c] == HEADER_VALUE;
		if (f->h->kind[c] == HEADER_LEVEL)
			return true;
	}
	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < f->h->row[i].body; k++)
			if (f->lines[i].types[k] & 1u << TYPE_TIME) {
				times++;
				break;
			}
	return values >= 3 || times >= f->least;
}

static void find(struct finder *f)
{
	struct header *h = f->h;

	for (uint32_t c = 0; c < HEADER_COLUMNS; c++) {
		uint32_t count;
		enum header_kind k = most_common(f, &count);
		bool firm = true;

		if (k != HEADER_WORD && k != HEADER_END && count >= f->least) {
			if (take_one(f, c, k) < f->least)
				break;
		} else if (take_until(f, c, HEADER_DASH)) {
			k = HEADER_DASH;
		} else if (take_until(f, c, HEADER_COLON)) {
			k = HEADER_COLON;
		} else {
			k = HEADER_WORD;
			firm = false;
			if (take_one(f, c, k) < f->least)
				break;
		}
		h->kind[c] = k;
		if (!firm)
			continue;
		h->ncols = c + 1;
		for (uint32_t i = 0; i < f->n; i++) {
			uint32_t body = f->at[i];

			while (body < f->lines[i].n &&
			       pats_is(f->p, f->lines[i].code[body], SYM_BLANK))
				body++;
			h->row[i].body = body >= f->lines[i].n ? 0 : body;
		}
	}
}

int header_find(const struct pats *p, const struct header_line *lines, uint32_t n, struct header *h)
{
	struct finder f = {.p = p, .lines = lines, .n = n, .h = h};
	int r = -ENOMEM;

	memset(h, 0, sizeof *h);
	f.least = (uint32_t)(HEADER_SHARE * n + 0.999);
	f.at = calloc(n + 1, sizeof *f.at);
	f.then = calloc(n + 1, sizeof *f.then);
	f.tmp = calloc(n + 1, sizeof *f.tmp);
	h->row = calloc(n + 1, sizeof *h->row);
	if (!f.at || !f.then || !f.tmp || !h->row)
		goto out;
	if (n >= HEADER_SKELETONS)
		find(&f);
	if (!h->ncols || !credible(&f)) {
		h->ncols = 0;
		for (uint32_t i = 0; i < n; i++)
			h->row[i].body = 0;
	}
	r = 0;
out:
	free(f.at);
	free(f.then);
	free(f.tmp);
	if (r)
		header_fini(h);
	return r;
}

void header_fini(struct header *h)
{
	free(h->row);
	memset(h, 0, sizeof *h);
}
