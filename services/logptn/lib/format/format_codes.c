/*
 * The codes of a log template: the columns of its header, as far as its skeletons agree, and its
 * message.
 */
#include <string.h>

#include "logptn/lib/format/format_build.h"
#include "logptn/lib/pat/align.h"
#include "logptn/lib/pat/pat_ends.h"

/* Where the [123]: at the end of a process column starts; the end of the column if it has none. */
static uint32_t process_end(const struct formats *f, uint32_t skel, struct span s)
{
	const uint32_t *c = f->line[skel].code;

	if (s.to - s.from >= 5 && pats_punct(&f->pats, c[s.to - 1], ':') &&
	    pats_punct(&f->pats, c[s.to - 2], ']') && c[s.to - 3] == PAT_VALUE &&
	    pats_punct(&f->pats, c[s.to - 4], '['))
		return s.to - 4;
	return s.to;
}

/* The header of the skeletons in a format: what its columns have in common. Returns the number of
 * codes; column[i] is the column of code i. */
static uint32_t header_codes(const struct formats *f, const uint32_t *skel, uint32_t n,
			     uint32_t *code, uint8_t *column)
{
	const struct header_row *a = &f->header.row[skel[0]];
	const uint32_t *line = f->line[skel[0]].code;
	uint32_t len = 0, at = 0, from;

	for (uint32_t c = 0; c < f->header.ncols && len < TOK_MAX; c++) {
		uint32_t end = process_end(f, skel[0], a->col[c]), la;
		bool pids = end != a->col[c].to;

		for (uint32_t i = 1; i < n && pids; i++)
			pids = process_end(f, skel[i], f->header.row[skel[i]].col[c]) !=
			       f->header.row[skel[i]].col[c].to;
		end = pids ? end : a->col[c].to;
		la = end - a->col[c].from;
		struct ends e = ends_of(la);

		for (uint32_t i = 1; i < n; i++) {
			const struct span *b = &f->header.row[skel[i]].col[c];
			uint32_t to = pids ? process_end(f, skel[i], *b) : b->to;

			ends_narrow(&e, line + a->col[c].from, la, f->line[skel[i]].code + b->from,
				    to - b->from);
		}
		from = len;
		while (at < a->col[c].from && len < TOK_MAX)
			code[len++] = line[at++];
		if (len + la + 1 < TOK_MAX)
			len = ends_append(&e, line + a->col[c].from, la, code, len);
		for (at = end; at < a->col[c].to && len < TOK_MAX; at++)
			code[len++] = line[at];
		memset(column + from, (int)c, len - from);
	}
	while (at < a->body && len < TOK_MAX) {
		column[len] = HEADER_COLUMNS;
		code[len++] = line[at++];
	}
	return len;
}

static bool all_align(const struct formats *f, const uint32_t *code, uint32_t n,
		      const uint32_t *skel, uint32_t nskel)
{
	struct span out[2 * TOK_MAX];

	for (uint32_t i = 0; i < nskel; i++)
		if (!align(code, n, f->line[skel[i]].code, f->line[skel[i]].n, out))
			return false;
	return true;
}

void format_codes(const struct formats *f, const struct format *m, const struct pat *q,
		  struct format_codes *c)
{
	const uint32_t first = m->skel[0];

	memset(c->column, HEADER_COLUMNS, sizeof c->column);
	c->n = q->headed ? header_codes(f, m->skel, m->nskel, c->code, c->column) : 0;
	c->body = c->n;
	memcpy(c->code + c->n, q->code, q->n * sizeof *c->code);
	c->n += q->n;
	if (q->headed && !all_align(f, c->code, c->n, m->skel, m->nskel)) {
		/* Separators differ: the header is one value. */
		c->code[0] = PAT_VALUE;
		c->code[1] = f->line[first].code[f->header.row[first].body - 1];
		memmove(c->code + 2, q->code, q->n * sizeof *c->code);
		c->body = 2;
		c->n = 2 + q->n;
	}
}
