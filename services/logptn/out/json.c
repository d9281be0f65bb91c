#include <inttypes.h>
#include <string.h>

#include "logptn/out/view.h"
#include "proto/utf8.h"

/* The inside of a JSON string. */
static void put_escaped(FILE *out, const uint8_t *p, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		len = utf8_decode(p + i, n - i, &cp);
		if (!len)
			fputs("\\ufffd", out);
		else if (cp == '"' || cp == '\\')
			fprintf(out, "\\%c", (char)cp);
		else if (cp == '\n')
			fputs("\\n", out);
		else if (cp == '\r')
			fputs("\\r", out);
		else if (cp == '\t')
			fputs("\\t", out);
		else if (cp > 0xffff && utf8_misleads(cp))
			fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
				0xdc00 + (cp & 0x3ff));
		else if (cp == '<' || cp == '>' || cp == '&' || utf8_misleads(cp))
			fprintf(out, "\\u%04x", (unsigned)cp);
		else
			fwrite(p + i, 1, len, out);
	}
}

void out_string(FILE *out, const uint8_t *p, size_t n)
{
	putc('"', out);
	put_escaped(out, p, n);
	putc('"', out);
}

static void put_values(FILE *out, const struct view_segment *g)
{
	fputs("{\"values\":{", out);
	for (size_t i = 0; i < g->nvalues; i++) {
		if (i)
			putc(',', out);
		out_string(out, g->value[i].p, g->value[i].n);
		fprintf(out, ":%" PRIu64, g->value[i].lines);
	}
	putc('}', out);
	if (g->name)
		fprintf(out, ",\"name\":\"%s\",\"sampled\":%s", g->name,
			g->exact ? "false" : "true");
	if (g->header)
		fputs(",\"header\":true", out);
	putc('}', out);
}

/* The line of the text dumper. */
static void put_sample(FILE *out, const struct view_format *f)
{
	fprintf(out, "\"%6" PRIu64 " [%.8s] ", f->lines, f->id);
	for (size_t k = 0; k < f->nseg; k++) {
		if (f->seg[k].variable)
			putc('*', out);
		else
			put_escaped(out, f->seg[k].text, f->seg[k].len);
	}
	putc('"', out);
}

static void put_more(FILE *out, const struct format *m)
{
	fprintf(out, ",\"new\":%s,\"was\":[", m->fresh ? "true" : "false");
	for (uint32_t i = 0; i < m->nwas; i++)
		fprintf(out, "%s\"%s\"", i ? "," : "", m->was[i]);
	putc(']', out);
	if (m->first_ns)
		fprintf(out, ",\"first_seen_ns\":%" PRIu64 ",\"last_seen_ns\":%" PRIu64,
			m->first_ns, m->last_ns);
}

void out_json(const struct view *v, FILE *out)
{
	fputs("{\"formats\":[", out);
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];

		fprintf(out, "%s{\"id\":\"%s\",\"segments\":[", i ? "," : "", f->id);
		for (size_t k = 0; k < f->nseg; k++) {
			if (k)
				putc(',', out);
			if (f->seg[k].variable) {
				put_values(out, &f->seg[k]);
				continue;
			}
			fputs("{\"text\":", out);
			out_string(out, f->seg[k].text, f->seg[k].len);
			fputs(f->seg[k].header ? ",\"header\":true}" : "}", out);
		}
		fprintf(out, "],\"count\":%" PRIu64 ",\"sample\":", f->lines);
		put_sample(out, f);
		fputs(",\"Cluster\":{}", out);
		if (f->format)
			put_more(out, f->format);
		putc('}', out);
	}
	fputs("]}", out);
}

void out_sjson(const struct view *v, FILE *out)
{
	fputs("{\"formats\":[", out);
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];
		bool open = false;

		fprintf(out, "%s{\"segments\":[", i ? "," : "");
		for (size_t k = 0; k < f->nseg; k++) {
			if (f->seg[k].variable) {
				fprintf(out, "%s%snull", open ? "\"" : "", k ? "," : "");
				open = false;
				continue;
			}
			if (!open)
				fprintf(out, "%s\"", k ? "," : "");
			open = true;
			put_escaped(out, f->seg[k].text, f->seg[k].len);
		}
		fprintf(out, "%s],\"count\":%" PRIu64 "}", open ? "\"" : "", f->lines);
	}
	fputs("]}", out);
}
