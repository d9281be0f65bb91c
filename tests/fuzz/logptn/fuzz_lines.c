/*
 * Any bytes are a log: counts add up, the order of lines does not matter, every line can be found
 * and taken apart again, and both algorithms and all dumpers get through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/compat/compat.h"
#include "logptn/lib/intake/intake.h"
#include "logptn/lib/lines.h"
#include "logptn/out/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 64

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void dump(const struct formats *f, FILE *out)
{
	struct view v;

	require(!view_formats(f, NULL, NULL, true, &v));
	out_text(&v, out, true);
	out_json(&v, out);
	out_sjson(&v, out);
	out_csv(&v, out);
	require(!out_regex(&v, out, REGEX_PCRE));
	require(!out_regex(&v, out, REGEX_GROK));
	view_free(&v);
}

static void original(const uint8_t *line[], const size_t *len, size_t n, FILE *out)
{
	struct compat_options o = {COMPAT_THRESHOLD, NULL, true};
	const struct compat_format *f;
	struct compat *c;
	struct view v;
	size_t nf;
	uint32_t cluster;

	require(!compat_new(&o, &c));
	for (size_t i = 0; i < n; i++) {
		const struct compat_chunk *chunk;
		size_t nchunks, sum = 0;

		require(!compat_split(c, line[i], len[i], &chunk, &nchunks));
		for (size_t k = 0; k < nchunks; k++) {
			require(chunk[k].off == sum && chunk[k].len);
			sum += chunk[k].len;
		}
		require(sum == len[i]);
		require(!compat_add(c, line[i], len[i], &cluster));
	}
	require(!compat_finish(c, &f, &nf));
	require(!view_compat(f, nf, &v));
	require(v.lines == n);
	out_json(&v, out);
	view_free(&v);
	compat_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = calloc(1, size + SHAPE_SLACK);
	const uint8_t *line[LINES];
	size_t len[LINES], n = 0, at = 0;
	struct skels t, u;
	struct formats *f = NULL, *g = NULL;
	uint64_t sum = 0;
	FILE *out = fopen("/dev/null", "we");

	require(p && out);
	memcpy(p, data, size);
	while (n < LINES && lines_next(p, size, &at, &line[n], &len[n], NULL))
		n++;
	require(!skels_init(&t) && !skels_init(&u));
	for (size_t i = 0; i < n; i++) {
		intake_add(&t, line[i], len[i]);
		intake_add(&u, line[n - 1 - i], len[n - 1 - i]);
	}
	require(!formats_make(&t, &f) && !formats_make(&u, &g));
	require(f->n == g->n);
	for (uint32_t i = 0; i < f->n; i++) {
		sum += f->v[i].lines;
		require(!strcmp(f->v[i].id, g->v[i].id) && f->v[i].lines == g->v[i].lines);
	}
	require(sum == n);
	for (size_t i = 0; i < n; i++) {
		struct extract ex[2 * TOK_MAX];
		uint32_t k = intake_find(&t, line[i], len[i]);
		const struct format *m;

		require(k != SKEL_NONE);
		m = &f->v[f->of_skel[k]];
		require(!format_extract(f, m, line[i], len[i], ex));
		for (uint32_t s = 0; s < m->nseg; s++)
			require(ex[s].off + (size_t)ex[s].len <= len[i] &&
				(!m->seg[s].value || ex[s].len));
	}
	dump(f, out);
	original(line, len, n, out);
	formats_free(&f);
	formats_free(&g);
	skels_fini(&t);
	skels_fini(&u);
	fclose(out);
	free(p);
	return 0;
}
