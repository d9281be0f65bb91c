#include "logptn/lib/pat/pat_ends.h"

#include <string.h>

void ends_narrow(struct ends *e, const uint32_t *a, uint32_t la, const uint32_t *b, uint32_t lb)
{
	uint32_t k;

	e->differs |= la != lb || memcmp(a, b, la * sizeof *a);
	for (k = 0; k < e->pre && k < lb && a[k] == b[k]; k++)
		;
	e->pre = k;
	for (k = 0; k < e->post && k < lb && a[la - 1 - k] == b[lb - 1 - k]; k++)
		;
	e->post = k;
	if (lb < e->least)
		e->least = lb;
}

uint32_t ends_append(const struct ends *e, const uint32_t *a, uint32_t la, uint32_t *code,
		     uint32_t len)
{
	uint32_t pre = e->pre, post = e->post;

	if (!e->differs) {
		memcpy(code + len, a, la * sizeof *a);
		return len + la;
	}
	/* Neither end may contain a value, and they may not overlap in any row. */
	for (uint32_t k = 0; k < pre; k++)
		if (a[k] == PAT_VALUE)
			pre = k;
	for (uint32_t k = 0; k < post; k++)
		if (a[la - 1 - k] == PAT_VALUE)
			post = k;
	if (pre + post >= e->least)
		post = e->least > pre ? e->least - pre - 1 : 0;
	memcpy(code + len, a, pre * sizeof *a);
	len += pre;
	code[len++] = PAT_VALUE;
	memcpy(code + len, a + la - post, post * sizeof *a);
	return len + post;
}
