#include <inttypes.h>

#include "logptn/out/view.h"

/* RFC 4180: quotes around, quotes inside doubled. A leading character that spreadsheets take for a
 * formula gets an apostrophe. */
static void put_quoted(FILE *out, const struct view_format *f)
{
	bool first = true;

	putc('"', out);
	for (size_t k = 0; k < f->nseg; k++) {
		const struct view_segment *g = &f->seg[k];

		if (g->variable) {
			putc('*', out);
			first = false;
			continue;
		}
		for (size_t i = 0; i < g->len; i++) {
			if (first && (g->text[i] == '=' || g->text[i] == '+' || g->text[i] == '-' ||
				      g->text[i] == '@'))
				putc('\'', out);
			first = false;
			if (g->text[i] == '"')
				putc('"', out);
			out_printable(out, g->text + i, g->text[i] < 0x80 ? 1 : 0);
			if (g->text[i] >= 0x80)
				putc(g->text[i], out);
		}
	}
	putc('"', out);
}

void out_csv(const struct view *v, FILE *out)
{
	fputs("id,count,new,format\r\n", out);
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];

		fprintf(out, "%s,%" PRIu64 ",%d,", f->id, f->lines, f->format && f->format->fresh);
		put_quoted(out, f);
		fputs("\r\n", out);
	}
}
