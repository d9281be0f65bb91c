/*
 * The heatmap: a page with its style, its script and the data in it. Formats go down, ranges of
 * lines or time across.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heatmap_page.h"
#include "logptn/out/view.h"

#define EXAMPLES      3u
#define EXAMPLE_BYTES 400u
#define VALUES        8u

static int by_lines(const void *x, const void *y)
{
	const struct view_value *a = x, *b = y;

	return a->lines != b->lines ? (a->lines > b->lines ? -1 : 1) : 0;
}

/* A number of bytes that does not cut a character. */
static size_t clip(const uint8_t *p, size_t n, size_t most)
{
	if (n <= most)
		return n;
	while (most && (p[most] & 0xc0) == 0x80)
		most--;
	return most;
}

static void put_vars(const struct view_format *f, FILE *out)
{
	bool first = true;

	fputs(",\"vars\":[", out);
	for (size_t k = 0; k < f->nseg; k++) {
		struct view_segment *g = &f->seg[k];

		if (!g->variable)
			continue;
		fprintf(out, "%s{\"name\":\"%s\",\"exact\":%s,\"distinct\":%zu,\"values\":[",
			first ? "" : ",", g->name ? g->name : "*", g->exact ? "true" : "false",
			g->nvalues);
		first = false;
		if (g->nvalues)
			qsort(g->value, g->nvalues, sizeof *g->value, by_lines);
		for (size_t i = 0; i < g->nvalues && i < VALUES; i++) {
			fputs(i ? ",[" : "[", out);
			out_string(out, g->value[i].p, clip(g->value[i].p, g->value[i].n, 120));
			fprintf(out, ",%" PRIu64 "]", g->value[i].lines);
		}
		fputs("]}", out);
	}
	putc(']', out);
}

static void put_segments(const struct view_format *f, FILE *out)
{
	unsigned var = 0;

	fputs("\"segments\":[", out);
	for (size_t k = 0; k < f->nseg; k++) {
		const struct view_segment *g = &f->seg[k];

		if (k)
			putc(',', out);
		if (g->variable) {
			fprintf(out, "{\"var\":%u,\"name\":\"%s\",\"header\":%s}", var++,
				g->name ? g->name : "*", g->header ? "true" : "false");
			continue;
		}
		fputs(g->header ? "{\"header\":true,\"text\":" : "", out);
		out_string(out, g->text, g->len);
		fputs(g->header ? "}" : "", out);
	}
	putc(']', out);
}

/* The samples with the smallest hashes of the most frequent skeletons. */
static void put_examples(const struct view *v, const struct view_format *f, FILE *out)
{
	unsigned n = 0;

	fputs(",\"examples\":[", out);
	for (unsigned k = 0; f->format && k < EXAMPLES; k++)
		for (uint32_t i = 0; i < f->format->nskel && n < EXAMPLES; i++) {
			const struct skel *s = &v->formats->skels->v[f->format->skel[i]];
			const struct sample *x = k < s->nsamples ? s->sample[k] : NULL;

			if (!x)
				continue;
			fputs(n++ ? "," : "", out);
			out_string(out, x->text, clip(x->text, x->len, EXAMPLE_BYTES));
		}
	putc(']', out);
}

static void put_data(const struct view *v, const struct view_heat *h, FILE *out)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < v->n; i++)
		lines += v->v[i].lines;
	fputs("{\"source\":", out);
	out_string(out, (const uint8_t *)h->source, strlen(h->source));
	fputs(",\"files\":[", out);
	for (size_t i = 0; i < h->nfiles; i++) {
		fputs(i ? "," : "", out);
		out_string(out, (const uint8_t *)h->file[i], strlen(h->file[i]));
	}
	fprintf(out, "],\"by_time\":%s,\"lines\":%" PRIu64 ",\"bins\":[",
		h->by_time ? "true" : "false", lines);
	for (size_t i = 0; i < h->nbins; i++)
		fprintf(out, "%s[%" PRId64 ",%" PRId64 "]", i ? "," : "", h->bin[i].from,
			h->bin[i].to);
	fputs("],\"formats\":[", out);
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];
		bool first = true;

		fprintf(out, "%s\n{\"id\":\"%s\",\"count\":%" PRIu64 ",\"new\":%s,", i ? "," : "",
			f->id, f->lines,
			f->format && f->format->fresh && h->marks_new ? "true" : "false");
		put_segments(f, out);
		fputs(",\"cells\":[", out);
		for (size_t k = 0; k < h->nbins; k++) {
			const struct view_cell *c = &f->cell[k];

			if (!c->lines)
				continue;
			fprintf(out, "%s[%zu,%" PRIu64 ",%" PRIu64 ",%u]", first ? "" : ",", k,
				c->lines, c->first, c->file);
			first = false;
		}
		putc(']', out);
		put_examples(v, f, out);
		put_vars(f, out);
		putc('}', out);
	}
	fputs("]}", out);
}

int out_heatmap(const struct view *v, const struct view_heat *h, FILE *out)
{
	const char *at = (const char *)page_html, *mark;

	while ((mark = strchr(at, '@'))) {
		fwrite(at, 1, (size_t)(mark - at), out);
		if (!strncmp(mark, "@CSS@", 5)) {
			fputs((const char *)page_css, out);
			at = mark + 5;
		} else if (!strncmp(mark, "@JS@", 4)) {
			fputs((const char *)page_js, out);
			at = mark + 4;
		} else if (!strncmp(mark, "@DATA@", 6)) {
			put_data(v, h, out);
			at = mark + 6;
		} else {
			putc('@', out);
			at = mark + 1;
		}
	}
	fputs(at, out);
	return 0;
}
