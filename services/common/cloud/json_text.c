#include "cloud/json_text.h"

int json_text(struct buf *out, struct bytes text)
{
	buf_addc(out, '"');
	for (size_t i = 0, run = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] >= ' ' && text.p[i] != '"' && text.p[i] != '\\')
			continue;
		buf_add(out, text.p + run, i - run);
		run = i + 1;
		if (i == text.n)
			break;
		if (text.p[i] < ' ')
			buf_addf(out, "\\u%04x", text.p[i]);
		else
			buf_addf(out, "\\%c", text.p[i]);
	}
	return buf_addc(out, '"');
}
