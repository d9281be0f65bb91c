/*
 * What a log template is called: its id, its text, and the ids that it had before.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format_build.h"

/* The identity: SHA-256 of the message part with a mark for each value. The header is not in it, so
 * that the same message has the same identity on another machine. */
int format_identify(const struct formats *f, struct format *m, const struct format_codes *c)
{
	const struct pats *p = &f->pats;
	const uint32_t *code = c->code, n = c->n, body = c->body;
	uint8_t sum[SHA256_DIGEST_LENGTH], *text;
	size_t len = 2, o = 0;

	for (uint32_t i = body; i < n; i++)
		len += pats_sym(p, code[i])->len + 1;
	text = malloc(len);
	if (!text)
		return -ENOMEM;
	if (body)
		text[o++] = 2;
	for (uint32_t i = body; i < n; i++) {
		if (code[i] == PAT_VALUE) {
			text[o++] = 1;
		} else {
			memcpy(text + o, pats_sym(p, code[i])->text, pats_sym(p, code[i])->len);
			o += pats_sym(p, code[i])->len;
		}
	}
	SHA256(text, o, sum);
	free(text);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(m->id + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

int format_template(struct formats *f, struct format *m)
{
	size_t n = 1;
	char *o;

	for (uint32_t i = 0; i < m->nseg; i++)
		n += m->seg[i].value ? 1 : m->seg[i].len;
	o = m->template = arena_zero(&f->store, n);
	if (!o)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nseg; i++) {
		if (m->seg[i].value) {
			*o++ = '*';
		} else {
			memcpy(o, m->seg[i].text, m->seg[i].len);
			o += m->seg[i].len;
		}
	}
	*o = 0;
	return 0;
}

static int by_id(const void *x, const void *y)
{
	return strcmp(x, y);
}

int format_ancestry(struct formats *f, struct format *m)
{
	uint32_t n = 0;

	m->fresh = true;
	m->was = arena_zero(&f->store, m->nskel * sizeof *m->was);
	if (!m->was)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nskel; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		if (!s->known)
			continue;
		m->fresh = false;
		if (s->format[0] && strcmp(s->format, m->id))
			memcpy(m->was[n++], s->format, sizeof *m->was);
	}
	qsort(m->was, n, sizeof *m->was, by_id);
	for (uint32_t i = 0; i < n; i++)
		if (!m->nwas || strcmp(m->was[m->nwas - 1], m->was[i]))
			memmove(m->was[m->nwas++], m->was[i], sizeof *m->was);
	return 0;
}
