#include "logptn/out/view.h"
#include "proto/utf8.h"

void out_printable(FILE *out, const uint8_t *p, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		len = utf8_decode(p + i, n - i, &cp);
		if (!len)
			fputs("\xef\xbf\xbd", out);
		else if (cp != '\t' && utf8_misleads(cp))
			fprintf(out, cp < 0x100 ? "\\x%02x" : "\\u{%x}", (unsigned)cp);
		else
			fwrite(p + i, 1, len, out);
	}
}

void out_text(const struct view *v, FILE *out, bool color)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct view_format *f = &v->v[i];

		fprintf(out, "%6llu [%.8s] ", (unsigned long long)f->lines, f->id);
		for (size_t k = 0; k < f->nseg; k++) {
			if (f->seg[k].variable)
				fputs(color ? OUT_RED "*" OUT_PLAIN : "*", out);
			else
				out_printable(out, f->seg[k].text, f->seg[k].len);
		}
		putc('\n', out);
	}
}
