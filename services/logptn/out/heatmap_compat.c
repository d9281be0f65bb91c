/*
 * The table of the original, with balanced tags and as many cells as columns.
 */
#include <inttypes.h>

#include "logptn/out/view.h"
#include "proto/utf8.h"

static void put_html(FILE *out, const uint8_t *p, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		len = utf8_decode(p + i, n - i, &cp);
		if (!len)
			fputs("\xef\xbf\xbd", out);
		else if (cp == '&')
			fputs("&amp;", out);
		else if (cp == '<')
			fputs("&lt;", out);
		else if (cp == '>')
			fputs("&gt;", out);
		else if (cp == '"')
			fputs("&#34;", out);
		else if (cp == '\'')
			fputs("&#39;", out);
		else
			fwrite(p + i, 1, len, out);
	}
}

static void put_format(const struct view_format *f, FILE *out)
{
	bool open = false;

	fputs("  <td class=\"sample\">", out);
	for (size_t k = 0; k < f->nseg; k++) {
		if (f->seg[k].variable) {
			fputs(open ? "</span><span class=\"var\">*</span>"
				   : "<span class=\"var\">*</span>",
			      out);
			open = false;
			continue;
		}
		if (!open)
			fputs("<span>", out);
		open = true;
		put_html(out, f->seg[k].text, f->seg[k].len);
	}
	fputs(open ? "</span></td>\n" : "</td>\n", out);
}

void out_heatmap_compat(const struct view *v, const uint32_t *const *cells, uint64_t unit,
			uint64_t lines, FILE *out)
{
	uint32_t most = 1;

	for (size_t i = 0; i < v->n; i++)
		for (uint64_t k = 0; k * unit < lines; k++)
			most = cells[i][k] > most ? cells[i][k] : most;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Log "
	      "formats</title>\n<style>\n"
	      "body { font: 14px sans-serif }\ntable { border-collapse: collapse }\n"
	      "td { border: 1px solid #999; padding: 2px }\n"
	      "thead td.sample { text-align: center }\nthead td.cell { writing-mode: vertical-rl "
	      "}\n"
	      "td.sample { width: 840px; overflow-wrap: anywhere }\n"
	      "td.cell { width: 24px; font-size: 12px; text-align: center }\ntd.total { "
	      "text-align: right; padding: 4px }\n"
	      "span.var { color: #d04255 }\n</style>\n</head>\n<body>\n<table>\n<thead>\n<tr>\n"
	      "<td class=\"sample\">Log formats</td>\n",
	      out);
	for (uint64_t k = 0; k * unit < lines; k++)
		fprintf(out, "<td class=\"cell\">%" PRIu64 " - %" PRIu64 "</td>", k * unit + 1,
			(k + 1) * unit);
	fputs("\n<td class=\"total\">Total</td>\n</tr>\n</thead>\n<tbody>\n", out);
	for (size_t i = 0; i < v->n; i++) {
		fputs("\n  <tr>\n", out);
		put_format(&v->v[i], out);
		fputs("  ", out);
		for (uint64_t k = 0; k * unit < lines; k++) {
			if (cells[i][k])
				fprintf(out,
					"<td class=\"cell\" style=\"background: "
					"rgba(208,66,85,%.2f)\">%u</td>",
					0.1 + 0.5 * cells[i][k] / most, cells[i][k]);
			else
				fputs("<td class=\"cell\"></td>", out);
		}
		fprintf(out, "\n  <td class=\"total\">%" PRIu64 "</td>\n  </tr>\n", v->v[i].lines);
	}
	fputs("\n</tbody>\n</table>\n</body>\n</html>\n", out);
}
