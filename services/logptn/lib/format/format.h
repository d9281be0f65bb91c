/*
 * format: formats made from a table of skeletons.
 */
#ifndef LOGPTN_LIB_FORMAT_FORMAT_H
#define LOGPTN_LIB_FORMAT_FORMAT_H

#include "logptn/lib/format/header.h"
#include "logptn/lib/skel/skel.h"

#define FORMAT_ID 64 /* hexadecimal digits */

struct segment {
	bool value;
	bool header;         /* part of the header columns */
	const uint8_t *text; /* constant */
	uint32_t len;
	uint64_t chars;     /* value: classes of the characters seen */
	uint16_t types;     /* value: mask of enum tok_type */
	uint32_t from_code; /* value: its place in the codes */
	uint8_t column;     /* header: its column */
	const char *base;   /* value: its name without a number */
	char name[20];      /* value: name by type, unique in the format: ip, number_2 */
};

struct format {
	char id[FORMAT_ID + 1];
	struct segment *seg;
	uint32_t nseg;
	uint32_t *code; /* the pattern */
	uint32_t ncode;
	char *template; /* with * for a value, NUL-terminated; bytes that are no text are kept */
	uint64_t lines, first_ns, last_ns;
	uint32_t *skel; /* the skeletons that are in it */
	uint32_t nskel;
	uint32_t literal;           /* bytes of constant text: how specific it is */
	char (*was)[FORMAT_ID + 1]; /* earlier ids of its skeletons, sorted */
	uint32_t nwas;
	bool fresh; /* none of its skeletons was known before */
};

struct formats {
	struct format *v; /* by falling lines, then by template */
	uint32_t n;
	uint32_t *of_skel; /* index of the format of each skeleton */
	uint64_t lines;
	struct pats pats;
	struct header header;
	const struct skels *skels;
	struct header_line *line; /* each skeleton as codes */
	struct arena store;       /* what the formats are made of */
	void *arg;                /* skels, for qsort_r */
};

/* formats_make: formats of what the table has now. The table must not change while the result is in
 * use. 0 or -ENOMEM. */
int formats_make(const struct skels *t, struct formats **out);
void formats_free(struct formats **f);

/* formats_remember: writes the ids of the formats into the table, so that the next formats_make
 * knows what was there (fresh, was). */
void formats_remember(const struct formats *f, struct skels *t);

/* format_values: calls fn for the values of segment seg in the samples of the format, with how many
 * lines had it. exact is false when the skeleton had more lines than its samples show. */
typedef void (*format_value_fn)(void *arg, const uint8_t *value, size_t n, uint64_t lines,
				bool exact);
void format_values(const struct formats *fs, const struct format *f, uint32_t seg,
		   format_value_fn fn, void *arg);

/* format_extract: the values of a line that belongs to this format: out[i] is the value of segment
 * i, empty for constants. out has nseg entries. 0, or -ENOENT if the line is not of this format. */
struct extract {
	uint32_t off, len;
};
int format_extract(const struct formats *fs, const struct format *f, const uint8_t *line, size_t n,
		   struct extract *out);

/* format_specific: a is more specific than b: of two expressions that match a line, the one whose
 * format is more specific is the right one. A total order: more constant text, then fewer values,
 * then narrower values, then the id. */
bool format_specific(const struct format *a, const struct format *b);

/* format_regex: a PCRE that matches every line of the format, as a NUL-terminated string to be
 * freed; NULL out of memory.
 * named: with groups; in grok, groups are %{NAME:name} of standard patterns where they fit. */
enum regex_style { REGEX_PCRE, REGEX_GROK };
char *format_regex(const struct format *f, enum regex_style style);

#endif
