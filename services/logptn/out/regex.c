#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/out/view.h"

/* Without types: what stood between constants, as little as possible. */
static void put_plain(const struct view_format *f, FILE *out)
{
	putc('^', out);
	for (size_t k = 0; k < f->nseg; k++) {
		const struct view_segment *g = &f->seg[k];

		if (g->variable) {
			fputs("(.+?)", out);
			continue;
		}
		for (size_t i = 0; i < g->len; i++) {
			if (g->text[i] && strchr("\\^$.[]|()?*+{}-#/", g->text[i]))
				putc('\\', out);
			if (g->text[i] < 0x20 || g->text[i] == 0x7f)
				fprintf(out, "\\x%02x", g->text[i]);
			else
				putc(g->text[i], out);
		}
	}
	putc('$', out);
}

int out_regex(const struct view *v, FILE *out, enum regex_style style)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];

		if (f->format) {
			char *s = format_regex(f->format, style);

			if (!s)
				return -ENOMEM;
			fputs(s, out);
			free(s);
		} else {
			put_plain(f, out);
		}
		putc('\n', out);
	}
	return 0;
}
