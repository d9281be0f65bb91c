#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logptn/cmd/dump.h"
#include "logptn/lib/compat/compat.h"
#include "logptn/out/view.h"

/* The cluster of each line, in input order. */
struct places {
	uint32_t *v;
	size_t n, cap;
};

static int push(struct places *p, uint32_t cluster)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 65536;
		uint32_t *v = realloc(p->v, cap * sizeof *v);

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = cluster;
	return 0;
}

static int put_lines(struct compat *c, const struct compat_format *f, const struct places *p,
		     const struct input *in, size_t n, FILE *out)
{
	bool color = isatty(fileno(out));
	size_t k = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *line;
		size_t at = 0, len, nchunks;

		while (!r && lines_next(in[i].p, in[i].n, &at, &line, &len, NULL)) {
			const struct compat_format *m = &f[p->v[k++]];
			const struct compat_chunk *chunk;

			fprintf(out, "[%s] ", m->id);
			if (!color) {
				fwrite(line, 1, len, out);
			} else {
				r = compat_split(c, line, len, &chunk, &nchunks);
				for (size_t s = 0; !r && s < nchunks; s++) {
					if (m->seg[s].variable)
						fputs(OUT_RED, out);
					out_printable(out, line + chunk[s].off, chunk[s].len);
					if (m->seg[s].variable)
						fputs(OUT_PLAIN, out);
				}
			}
			putc('\n', out);
		}
	}
	return r;
}

/* The original's width of a column: 1 up to 20 lines, else a twentieth of them cut to its leading
 * digit. */
static uint64_t column(uint64_t lines)
{
	uint64_t unit = lines / 20, p = 1;

	if (lines <= 20)
		return 1;
	for (; unit >= 10; unit /= 10)
		p *= 10;
	return p * unit;
}

static int put_heatmap(const struct view *v, const struct places *p, FILE *out)
{
	uint64_t unit = column(p->n), cols = (p->n + unit - 1) / unit;
	uint32_t *cells = calloc(v->n * cols + 1, sizeof *cells);
	const uint32_t **rows = calloc(v->n + 1, sizeof *rows);
	int r = -ENOMEM;

	if (cells && rows) {
		for (size_t i = 0; i < v->n; i++)
			rows[i] = cells + i * cols;
		for (size_t i = 0; i < p->n; i++)
			cells[p->v[i] * cols + i / unit]++;
		out_heatmap_compat(v, rows, unit, p->n, out);
		r = 0;
	}
	free(cells);
	free(rows);
	return r;
}

static int put_formats(const struct opts *o, const struct compat_format *f, size_t n,
		       const struct places *p, FILE *out)
{
	struct view v;
	int r = view_compat(f, n, &v);

	if (!r && o->rare) {
		size_t k = 0;

		for (size_t i = 0; i < v.n; i++)
			if (v.v[i].lines < o->rare) {
				struct view_format t = v.v[k];

				v.v[k++] = v.v[i];
				v.v[i] = t;
			}
		for (size_t i = k; i < v.n; i++) {
			for (size_t s = 0; s < v.v[i].nseg; s++)
				free(v.v[i].seg[s].value);
			free(v.v[i].seg);
		}
		v.n = k;
	}
	if (!r)
		r = o->dumper == DUMP_HEATMAP ? put_heatmap(&v, p, out)
					      : dump_view(o, &v, REGEX_PCRE, out);
	view_free(&v);
	return r;
}

int dump_compat(const struct opts *o, const struct input *in, size_t n, FILE *out)
{
	struct compat_options co = {o->threshold, o->delimiters, o->regex};
	const struct compat_format *f;
	struct places places = {0};
	struct compat *c;
	size_t nf;
	int r = compat_new(&co, &c);

	for (size_t i = 0; !r && i < n; i++) {
		const uint8_t *line;
		size_t at = 0, len;
		uint32_t cluster;

		while (!r && lines_next(in[i].p, in[i].n, &at, &line, &len, NULL)) {
			r = compat_add(c, line, len, &cluster);
			if (!r)
				r = push(&places, cluster);
		}
	}
	if (!r)
		r = compat_finish(c, &f, &nf);
	if (!r)
		r = o->log ? put_lines(c, f, &places, in, n, out)
			   : put_formats(o, f, nf, &places, out);
	free(places.v);
	compat_free(&c);
	return r;
}
