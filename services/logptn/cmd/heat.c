#include "logptn/cmd/heat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logptn/cmd/stamp.h"
#include "logptn/lib/intake/intake.h"

/* Calls fn for each line with its format; a line that continues a record comes with the record's
 * format and time. */
struct walk {
	const struct opts *o;
	struct skels *t;
	const struct formats *f;
	const struct input *in;
	size_t n;
	int year;
};
typedef void (*walk_fn)(void *arg, uint32_t format, int64_t time, uint64_t at, uint64_t number,
			uint32_t file);

static void walk(const struct walk *w, bool times, walk_fn fn, void *arg)
{
	uint64_t total = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct lines_record record = {0};
		uint32_t skel = SKEL_NONE;
		int64_t stamp = -1;
		const uint8_t *line;
		size_t at = 0, len;
		uint64_t number = 0;

		while (lines_next(w->in[i].p, w->in[i].n, &at, &line, &len, &number)) {
			if (!lines_continues(&w->o->rule, &record, line, len) ||
			    skel == SKEL_NONE) {
				int64_t s = times ? stamp_parse(line, len, w->year) : -1;

				skel = intake_find(w->t, line, len);
				/* A line without a time came after the one before it. */
				if (s >= 0)
					stamp = s;
			}
			if (skel != SKEL_NONE)
				fn(arg, w->f->of_skel[skel], stamp, total++, number, (uint32_t)i);
		}
	}
}

struct fill {
	struct view_heat *h;
	struct view_format **of; /* by index of the format; NULL if it is not shown */
	int64_t least, most;     /* time */
	uint64_t lines;
};

static void find_range(void *arg, uint32_t format, int64_t stamp, uint64_t at, uint64_t number,
		       uint32_t file)
{
	struct fill *f = arg;

	(void)format;
	(void)number;
	(void)file;
	f->lines = at + 1;
	if (stamp < 0)
		return;
	if (f->least < 0 || stamp < f->least)
		f->least = stamp;
	if (stamp > f->most)
		f->most = stamp;
}

static void count(void *arg, uint32_t format, int64_t stamp, uint64_t at, uint64_t number,
		  uint32_t file)
{
	struct fill *f = arg;
	struct view_cell *c;
	size_t bin;

	if (!f->of[format])
		return;
	if (f->h->by_time)
		bin = stamp < f->least ? 0
				       : (size_t)((uint64_t)(stamp - f->least) * f->h->nbins /
						  (uint64_t)(f->most - f->least + 1));
	else
		bin = at * f->h->nbins / f->lines;
	c = &f->of[format]->cell[bin];
	if (!c->lines++) {
		c->first = number;
		c->file = file;
	}
}

static void make_bins(struct fill *f, struct view_bin *bin)
{
	uint64_t all = f->h->by_time ? (uint64_t)(f->most - f->least + 1) : f->lines;

	f->h->nbins = all < HEAT_COLUMNS ? all : HEAT_COLUMNS;
	for (size_t i = 0; i < f->h->nbins; i++) {
		/* The first of all k with k * nbins / all == i. */
		uint64_t from = (i * all + f->h->nbins - 1) / f->h->nbins;
		uint64_t to = ((i + 1) * all + f->h->nbins - 1) / f->h->nbins - 1;

		bin[i] = f->h->by_time ? (struct view_bin){f->least + (int64_t)from,
							   f->least + (int64_t)to}
				       : (struct view_bin){(int64_t)from + 1, (int64_t)to + 1};
	}
}

int heat_dump(const struct opts *o, struct skels *t, struct view *v, const struct input *in,
	      size_t n, FILE *out)
{
	struct view_bin bin[HEAT_COLUMNS];
	struct view_heat h = {
		.by_time = o->by_time, .bin = bin, .nfiles = n, .marks_new = o->state != NULL};
	struct fill f = {.h = &h, .least = -1, .most = -1};
	struct walk w = {o, t, v->formats, in, n, 1970};
	time_t now = time(NULL);
	const char **names = calloc(n + 1, sizeof *names);
	struct tm tm;
	int r = -ENOMEM;

	if (gmtime_r(&now, &tm))
		w.year = tm.tm_year + 1900;
	f.of = calloc(v->formats->n + 1, sizeof *f.of);
	if (!f.of || !names)
		goto out;
	walk(&w, o->by_time, find_range, &f);
	if (o->by_time && f.least < 0) {
		fputs("logptn: no line begins with a time: the heatmap is by lines\n", stderr);
		h.by_time = false;
	}
	if (f.lines)
		make_bins(&f, bin);
	for (size_t i = 0; i < v->n; i++) {
		v->v[i].cell = calloc(h.nbins + 1, sizeof *v->v[i].cell);
		if (!v->v[i].cell)
			goto out;
		f.of[v->v[i].format - v->formats->v] = &v->v[i];
	}
	walk(&w, h.by_time, count, &f);
	for (size_t i = 0; i < n; i++)
		names[i] = in[i].name;
	h.file = names;
	h.source = n == 1 ? names[0] : "several files";
	r = out_heatmap(v, &h, out);
out:
	free(f.of);
	free(names);
	return r;
}
