/*
 * view: formats as the dumpers see them, whichever algorithm made them.
 */
#ifndef LOGPTN_OUT_VIEW_H
#define LOGPTN_OUT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "logptn/lib/compat/compat.h"
#include "logptn/lib/format/format.h"

struct view_value {
	const uint8_t *p;
	size_t n;
	uint64_t lines;
};

struct view_segment {
	bool variable, header;
	const uint8_t *text; /* constant */
	size_t len;
	const char *name;         /* variable: its name by type; NULL with --compat */
	struct view_value *value; /* sorted by their bytes */
	size_t nvalues;
	bool exact; /* the values are all there are, and their counts too */
};

/* The lines of a format in a range, and where the first of them is. */
struct view_cell {
	uint64_t lines, first; /* counted from 1 in its file */
	uint32_t file;
};

struct view_format {
	const char *id;
	uint64_t lines;
	struct view_segment *seg;
	size_t nseg;
	const struct format *format; /* NULL with --compat */
	struct view_cell *cell;      /* for the heatmap: one for each range */
};

struct view {
	struct view_format *v;
	size_t n;
	uint64_t lines;
	const struct formats *formats; /* NULL with --compat */
};

/* view_formats: v borrows from f. keep: which formats to show (NULL: all). values: collect the
 * values of variables. */
int view_formats(const struct formats *f, bool (*keep)(const struct format *f, void *arg),
		 void *arg, bool values, struct view *v);
int view_compat(const struct compat_format *f, size_t n, struct view *v);
void view_free(struct view *v);

/* The dumpers; all write to out and return 0 or -EIO/-ENOMEM. */
void out_text(const struct view *v, FILE *out, bool color);
void out_json(const struct view *v, FILE *out);
void out_sjson(const struct view *v, FILE *out);
void out_csv(const struct view *v, FILE *out);
int out_regex(const struct view *v, FILE *out, enum regex_style style);

/* A position range of the heatmap: lines from..to (counted from 1), or seconds. */
struct view_bin {
	int64_t from, to;
};
struct view_heat {
	bool by_time;
	const struct view_bin *bin;
	size_t nbins;
	const char *source; /* what was read, for the title */
	const char *const *file;
	size_t nfiles;
	bool marks_new; /* there was a state to compare with */
};
int out_heatmap(const struct view *v, const struct view_heat *h, FILE *out);
void out_heatmap_compat(const struct view *v, const uint32_t *const *cells, uint64_t unit,
			uint64_t lines, FILE *out);

/* out_string: a JSON string; safe in HTML too, since < > & are escaped. Invalid UTF-8 becomes
 * U+FFFD. */
void out_string(FILE *out, const uint8_t *p, size_t n);
/* out_utf8: text for people: control bytes but tabs as \xNN, invalid UTF-8 as U+FFFD. */
void out_printable(FILE *out, const uint8_t *p, size_t n);

#define OUT_RED   "\x1b[31m"
#define OUT_PLAIN "\x1b[0m"

#endif
