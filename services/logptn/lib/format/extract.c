/*
 * Values of lines: where a format's values are in a line, and which values its samples have.
 */
#include <errno.h>
#include <string.h>

#include "logptn/lib/format/format.h"
#include "logptn/lib/pat/align.h"

/* The codes of a line. A word that no skeleton has gets a code that equals none. */
static uint32_t line_codes(const struct formats *fs, const uint8_t *shape, const struct token *tok,
			   size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t text[SHAPE_ROOM + 8];
		size_t len = tok_text(shape, &tok[i], 1, text);

		out[i] = tok[i].kind == TOK_VALUE
				 ? PAT_VALUE
				 : pats_find(&fs->pats, tok[i].kind, text + 1, len - 1);
	}
	return (uint32_t)n;
}

int format_extract(const struct formats *fs, const struct format *f, const uint8_t *line, size_t n,
		   struct extract *out)
{
	uint8_t shape[SHAPE_ROOM];
	uint32_t map[SHAPE_ROOM], code[TOK_MAX];
	struct token tok[TOK_MAX];
	struct span v[2 * TOK_MAX];
	size_t ntok = tokenize(shape, shape_map(line, n, shape, map), tok);

	if (!align(f->code, f->ncode, code, line_codes(fs, shape, tok, ntok, code), v))
		return -ENOENT;
	for (uint32_t i = 0; i < f->nseg; i++) {
		out[i] = (struct extract){0, 0};
		if (f->seg[i].value) {
			const struct span *s = &v[f->seg[i].from_code];
			const struct token *last = &tok[s->to - 1];

			out[i].off = map[tok[s->from].off];
			out[i].len = map[last->off + last->len] - out[i].off;
		}
	}
	return 0;
}

void format_values(const struct formats *fs, const struct format *f, uint32_t seg,
		   format_value_fn fn, void *arg)
{
	struct extract ex[2 * TOK_MAX];

	for (uint32_t i = 0; i < f->nskel; i++) {
		const struct skel *s = &fs->skels->v[f->skel[i]];
		uint64_t shown = 0; /* lines that the samples stand for */

		for (unsigned k = 0; k < s->nsamples; k++)
			shown += s->sample[k]->lines;
		for (unsigned k = 0; k < s->nsamples; k++) {
			const struct sample *x = s->sample[k];

			if (!x->cut && !format_extract(fs, f, x->text, x->len, ex))
				fn(arg, x->text + ex[seg].off, ex[seg].len, x->lines,
				   shown == s->records);
		}
	}
}
