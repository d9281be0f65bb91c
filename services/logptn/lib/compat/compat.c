#include "logptn/lib/compat/compat.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/compat/compat_scan.h"
#include "logptn/lib/line/shape.h"
#include "proto/utf8.h"

struct text {
	uint8_t *p;
	uint32_t n;
	uint64_t hash;
};

/* How often a text came at a position of a cluster. */
struct tally {
	uint32_t cluster, pos, text;
	uint64_t lines;
};

struct cluster {
	uint32_t *first; /* chunks of the first line */
	uint32_t n;
	uint32_t next; /* the next cluster with as many chunks + 1 */
	uint64_t lines;
};

struct compat {
	struct compat_options o;
	struct compat_chunk *chunk;
	size_t nchunks, capchunks;
	uint32_t *ids;
	struct text *text;
	uint32_t ntext, captext, *texttab, textmask;
	struct tally *tally;
	size_t ntally;
	uint32_t *tallytab; /* index into tally + 1 */
	size_t captally, tallymask;
	struct cluster *cluster;
	uint32_t nclusters, capclusters;
	uint32_t *heads, nheads; /* first and, behind it, last cluster + 1 by number of chunks */
	struct compat_format *format;
};

int compat_new(const struct compat_options *o, struct compat **out)
{
	struct compat *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return -ENOMEM;
	c->o = *o;
	if (!c->o.delimiters)
		c->o.delimiters = COMPAT_DELIMITERS;
	return 0;
}

void compat_free(struct compat **cp)
{
	struct compat *c = *cp;

	if (!c)
		return;
	for (uint32_t i = 0; i < c->ntext; i++)
		free(c->text[i].p);
	for (uint32_t i = 0; i < c->nclusters; i++) {
		for (size_t k = 0; c->format && c->format[i].seg && k < c->format[i].nseg; k++)
			free(c->format[i].seg[k].value);
		if (c->format)
			free(c->format[i].seg);
		free(c->cluster[i].first);
	}
	free(c->format);
	free(c->chunk);
	free(c->ids);
	free(c->text);
	free(c->texttab);
	free(c->tally);
	free(c->tallytab);
	free(c->cluster);
	free(c->heads);
	free(c);
	*cp = NULL;
}

static int add_chunk(struct compat *c, size_t from, size_t to)
{
	if (c->nchunks == c->capchunks) {
		size_t cap = c->capchunks ? 2 * c->capchunks : 256;
		struct compat_chunk *v = realloc(c->chunk, cap * sizeof *v);
		uint32_t *ids;

		if (!v)
			return -ENOMEM;
		c->chunk = v;
		ids = realloc(c->ids, cap * sizeof *ids);
		if (!ids)
			return -ENOMEM;
		c->ids = ids;
		c->capchunks = cap;
	}
	c->chunk[c->nchunks++] = (struct compat_chunk){(uint32_t)from, (uint32_t)(to - from)};
	return 0;
}

/* The length of the delimiter at s, 0 if there is none: whole characters, also beyond ASCII. */
static size_t delimiter(const char *set, const uint8_t *s, size_t n)
{
	size_t len = 1, k;
	uint32_t cp;

	if (s[0] < 0x80)
		return s[0] && strchr(set, s[0]) ? 1 : 0;
	len = utf8_decode(s, n, &cp);
	if (!len)
		return 0;
	for (const char *d = set; *d; d += k ? k : 1) {
		k = utf8_decode((const uint8_t *)d, strlen(d), &cp);
		if (k == len && !memcmp(d, s, len))
			return len;
	}
	return 0;
}

static int split_plain(struct compat *c, const uint8_t *line, size_t from, size_t to)
{
	size_t start = from, len;
	int r = 0;

	for (size_t i = from; !r && i < to; i += len ? len : 1) {
		len = delimiter(c->o.delimiters, line + i, to - i);
		if (!len)
			continue;
		if (i > start)
			r = add_chunk(c, start, i);
		if (!r)
			r = add_chunk(c, i, i + len);
		start = i + len;
	}
	return r || start >= to ? r : add_chunk(c, start, to);
}

/* Cuts out the matches of expression `which` and goes on with the next one between them. */
static int split_from(struct compat *c, unsigned which, const uint8_t *line, size_t from, size_t to)
{
	size_t a, b;
	int r = 0;

	if (which == COMPAT_SCANS)
		return split_plain(c, line, from, to);
	while (!r && from < to && compat_scan(which, line, from, to, &a, &b)) {
		r = split_from(c, which + 1, line, from, a);
		if (!r)
			r = add_chunk(c, a, b);
		from = b;
	}
	return r || from >= to ? r : split_from(c, which + 1, line, from, to);
}

int compat_split(struct compat *c, const uint8_t *line, size_t n, const struct compat_chunk **chunk,
		 size_t *nchunks)
{
	int r;

	c->nchunks = 0;
	r = split_from(c, c->o.regex ? 0 : COMPAT_SCANS, line, 0, n);
	*chunk = c->chunk;
	*nchunks = c->nchunks;
	return r;
}

static int intern(struct compat *c, const uint8_t *p, size_t n, uint32_t *id)
{
	uint64_t h = shape_hash_any(p, n);
	uint32_t k;

	if (4 * (uint64_t)c->ntext >= 3 * (uint64_t)c->captext) {
		uint32_t cap = c->captext ? 2 * c->captext : 4096, mask = 2 * cap - 1;
		struct text *v = realloc(c->text, cap * sizeof *v);
		uint32_t *tab = calloc(mask + 1, sizeof *tab);

		if (v)
			c->text = v;
		if (!v || !tab) {
			free(tab);
			return -ENOMEM;
		}
		for (uint32_t i = 0; i < c->ntext; i++) {
			for (k = (uint32_t)c->text[i].hash & mask; tab[k]; k = (k + 1) & mask)
				;
			tab[k] = i + 1;
		}
		free(c->texttab);
		c->texttab = tab;
		c->textmask = mask;
		c->captext = cap;
	}
	for (k = (uint32_t)h & c->textmask; c->texttab[k]; k = (k + 1) & c->textmask) {
		struct text *t = &c->text[c->texttab[k] - 1];

		if (t->hash == h && t->n == n && !memcmp(t->p, p, n)) {
			*id = c->texttab[k] - 1;
			return 0;
		}
	}
	c->text[c->ntext] = (struct text){malloc(n + 1), (uint32_t)n, h};
	if (!c->text[c->ntext].p)
		return -ENOMEM;
	memcpy(c->text[c->ntext].p, p, n);
	*id = c->ntext++;
	c->texttab[k] = *id + 1;
	return 0;
}

static size_t tally_slot(const struct compat *c, uint32_t cluster, uint32_t pos, uint32_t text)
{
	uint64_t h = ((uint64_t)cluster << 32 | pos) * UINT64_C(0x9e3779b97f4a7c15) ^
		     text * UINT64_C(0xd6e8feb86659fd93);
	size_t k = (size_t)(h ^ h >> 32) & c->tallymask;

	for (; c->tallytab[k]; k = (k + 1) & c->tallymask) {
		const struct tally *t = &c->tally[c->tallytab[k] - 1];

		if (t->cluster == cluster && t->pos == pos && t->text == text)
			break;
	}
	return k;
}

static int count(struct compat *c, uint32_t cluster, uint32_t pos, uint32_t text)
{
	size_t k;

	if (4 * c->ntally >= 3 * c->captally) {
		size_t cap = c->captally ? 2 * c->captally : 4096;
		struct tally *v = realloc(c->tally, cap * sizeof *v);
		uint32_t *tab = calloc(2 * cap, sizeof *tab);

		if (v)
			c->tally = v;
		if (!v || !tab) {
			free(tab);
			return -ENOMEM;
		}
		free(c->tallytab);
		c->tallytab = tab;
		c->captally = cap;
		c->tallymask = 2 * cap - 1;
		for (size_t i = 0; i < c->ntally; i++)
			tab[tally_slot(c, v[i].cluster, v[i].pos, v[i].text)] = (uint32_t)i + 1;
	}
	k = tally_slot(c, cluster, pos, text);
	if (!c->tallytab[k]) {
		c->tally[c->ntally] = (struct tally){cluster, pos, text, 0};
		c->tallytab[k] = (uint32_t)++c->ntally;
	}
	c->tally[c->tallytab[k] - 1].lines++;
	return 0;
}

static int start_cluster(struct compat *c, uint32_t n, uint32_t *out)
{
	struct cluster *cl;

	if (c->nclusters == c->capclusters) {
		uint32_t cap = c->capclusters ? 2 * c->capclusters : 256;
		struct cluster *v = realloc(c->cluster, cap * sizeof *v);

		if (!v)
			return -ENOMEM;
		c->cluster = v;
		c->capclusters = cap;
	}
	if (n >= c->nheads) {
		uint32_t *h = realloc(c->heads, 2 * (n + 64) * sizeof *h);

		if (!h)
			return -ENOMEM;
		memset(h + 2 * c->nheads, 0, 2 * (n + 64 - c->nheads) * sizeof *h);
		c->heads = h;
		c->nheads = n + 64;
	}
	cl = &c->cluster[c->nclusters];
	*cl = (struct cluster){.first = malloc(n * sizeof *cl->first), .n = n};
	if (!cl->first)
		return -ENOMEM;
	memcpy(cl->first, c->ids, n * sizeof *cl->first);
	if (c->heads[2 * n])
		c->cluster[c->heads[2 * n + 1] - 1].next = c->nclusters + 1;
	else
		c->heads[2 * n] = c->nclusters + 1;
	*out = c->nclusters++;
	c->heads[2 * n + 1] = c->nclusters;
	return 0;
}

int compat_add(struct compat *c, const uint8_t *line, size_t n, uint32_t *cluster)
{
	const struct compat_chunk *chunk;
	size_t nchunks;
	uint32_t best = UINT32_MAX;
	double best_share = -1;
	int r;

	*cluster = UINT32_MAX;
	if (!n)
		return 0;
	r = compat_split(c, line, n, &chunk, &nchunks);
	for (size_t i = 0; !r && i < nchunks; i++)
		r = intern(c, line + chunk[i].off, chunk[i].len, &c->ids[i]);
	if (r)
		return r;
	for (uint32_t k = nchunks < c->nheads ? c->heads[2 * nchunks] : 0; k;
	     k = c->cluster[k - 1].next) {
		const uint32_t *first = c->cluster[k - 1].first;
		size_t equal = 0;
		double share;

		for (size_t i = 0; i < nchunks; i++)
			equal += first[i] == c->ids[i];
		share = (double)equal / (double)nchunks;
		if (share >= c->o.threshold && share > best_share) {
			best = k - 1;
			best_share = share;
		}
	}
	if (best == UINT32_MAX)
		r = start_cluster(c, (uint32_t)nchunks, &best);
	for (size_t i = 0; !r && i < nchunks; i++)
		r = count(c, best, (uint32_t)i, c->ids[i]);
	if (r)
		return r;
	c->cluster[best].lines++;
	*cluster = best;
	return 0;
}

static int by_place(const void *x, const void *y, void *arg)
{
	const struct compat *c = arg;
	const struct tally *a = x, *b = y;
	const struct text *s = &c->text[a->text], *t = &c->text[b->text];
	int r;

	if (a->cluster != b->cluster)
		return a->cluster < b->cluster ? -1 : 1;
	if (a->pos != b->pos)
		return a->pos < b->pos ? -1 : 1;
	r = memcmp(s->p, t->p, s->n < t->n ? s->n : t->n);
	return r ? r : (s->n > t->n) - (s->n < t->n);
}

static int finish_format(struct compat *c, uint32_t cluster, size_t *at)
{
	const struct cluster *cl = &c->cluster[cluster];
	struct compat_format *f = &c->format[cluster];
	uint8_t sum[SHA256_DIGEST_LENGTH], *text;
	size_t len = 0, o = 0;

	f->seg = calloc(cl->n, sizeof *f->seg);
	if (!f->seg)
		return -ENOMEM;
	f->nseg = cl->n;
	f->lines = cl->lines;
	for (size_t i = 0; i < cl->n; i++) {
		struct compat_segment *g = &f->seg[i];
		size_t n = 0;

		while (*at + n < c->ntally && c->tally[*at + n].cluster == cluster &&
		       c->tally[*at + n].pos == i)
			n++;
		g->variable = n > 1;
		g->value = calloc(n ? n : 1, sizeof *g->value);
		if (!g->value)
			return -ENOMEM;
		g->nvalues = n;
		for (size_t k = 0; k < n; k++) {
			const struct tally *t = &c->tally[(*at)++];

			g->value[k] = (struct compat_value){c->text[t->text].p, c->text[t->text].n,
							    t->lines};
		}
		len += g->variable ? 1 : g->value[0].n;
	}
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < f->nseg; i++) {
		const struct compat_segment *g = &f->seg[i];

		if (g->variable) {
			text[o++] = '*';
		} else {
			memcpy(text + o, g->value[0].p, g->value[0].n);
			o += g->value[0].n;
		}
	}
	SHA256(text, o, sum);
	free(text);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(f->id + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

int compat_finish(struct compat *c, const struct compat_format **formats, size_t *n)
{
	size_t at = 0;
	int r = 0;

	c->format = calloc(c->nclusters + 1, sizeof *c->format);
	if (!c->format)
		return -ENOMEM;
	if (c->ntally)
		qsort_r(c->tally, c->ntally, sizeof *c->tally, by_place, c);
	for (uint32_t i = 0; !r && i < c->nclusters; i++)
		r = finish_format(c, i, &at);
	*formats = c->format;
	*n = c->nclusters;
	return r;
}
