#include "logptn/lib/intake/condense.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format.h"

/* A log template's pattern as the text of a skeleton, with its values. Returns its length. */
static size_t pattern_text(const struct formats *f, const struct format *m, uint8_t *text,
			   struct slot *slots, uint32_t *nslots)
{
	size_t o = 0;

	*nslots = 0;
	for (uint32_t i = 0, seg = 0; i < m->ncode && *nslots < TOK_MAX; i++) {
		const struct sym *y = pats_sym(&f->pats, m->code[i]);

		if (m->code[i] == PAT_VALUE) {
			while (seg < m->nseg && !(m->seg[seg].value && m->seg[seg].from_code == i))
				seg++;
			slots[(*nslots)++] = (struct slot){m->seg[seg].chars, m->seg[seg].types};
			text[o++] = TEXT_VALUE;
			continue;
		}
		if (o + y->len + 1 > SKEL_TEXT_MAX)
			break;
		text[o++] = y->flags & SYM_WORD ? TEXT_WORD : TEXT_PUNCT;
		memcpy(text + o, y->text, y->len);
		o += y->len;
	}
	return o;
}

/* Puts one skeleton in u for those of a log template in t. text has room for
 * SKEL_TEXT_MAX + TOK_MAX bytes. */
static int condense_template(const struct skels *t, const struct formats *f, const struct format *m,
			     uint8_t *text, struct skels *u)
{
	const struct skel *s = &t->v[m->skel[0]];
	struct slot slots[TOK_MAX];
	uint32_t nslots, k;

	if (m->nskel == 1) {
		k = skels_insert(u, s->text, s->len, s->slot, s->nslots);
	} else {
		size_t len = pattern_text(f, m, text, slots, &nslots);

		k = skels_insert(u, text, len, slots, nslots);
	}
	if (k == SKEL_NONE)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nskel; i++)
		skels_take(u, k, &t->v[m->skel[i]]);
	return m->nskel > 1 ? skel_index_add(u->index, u->v[k].text, u->v[k].len, k) : 0;
}

static int condense_into(const struct skels *t, struct skels *u)
{
	uint8_t *text = malloc(SKEL_TEXT_MAX + TOK_MAX);
	struct formats *f = NULL;
	int r = text ? formats_make(t, &f) : -ENOMEM;

	if (!r)
		r = skel_index_new(f->n, &u->index);
	for (uint32_t i = 0; !r && i < f->n; i++)
		r = condense_template(t, f, &f->v[i], text, u);
	if (!r)
		r = skel_index_seal(u->index);
	formats_free(&f);
	free(text);
	return r;
}

/* The work takes several times the memory of the table, so threads with full tables do it one after
 * the other. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

int condense(struct skels *t)
{
	struct skels u;
	int r = skels_init(&u);

	if (r)
		return r;
	pthread_mutex_lock(&one_at_a_time);
	r = condense_into(t, &u);
	pthread_mutex_unlock(&one_at_a_time);
	if (r) {
		skels_fini(&u);
		return r;
	}
	u.max = t->max;
	u.lines = t->lines;
	u.coarse = t->coarse;
	u.now_ns = t->now_ns;
	u.generation = t->generation + 1;
	u.full = t->full;
	skels_fini(t);
	*t = u;
	return t->n > t->max / 2 ? -ENOSPC : 0;
}
