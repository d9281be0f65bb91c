/*
 * logptn_support: lines in, formats out, for the tests of logptn.
 */
#ifndef TESTS_UNIT_LOGPTN_LOGPTN_SUPPORT_H
#define TESTS_UNIT_LOGPTN_LOGPTN_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logptn/lib/format/format.h"
#include "logptn/lib/intake/intake.h"

struct text {
	uint8_t *p; /* SHAPE_SLACK zeros behind it */
	size_t n;
};

struct lines {
	struct text *v;
	size_t n;
};

/* Splits at newlines; the copy is freed by lines_free. */
struct lines lines_of(const char *text);
/* The lines of a file; none if there is no such file. */
struct lines lines_from(const char *path);
void lines_free(struct lines *l);

/* All lines into a new table. */
void add_lines(struct skels *t, const struct lines *l);
/* Formats of a text; the table lives in *t. */
struct formats *formats_of(struct skels *t, const char *text);

/* The format with this template, or NULL. */
const struct format *with_template(const struct formats *f, const char *template);
/* Its lines; 0 if there is none. */
uint64_t count_of(const struct formats *f, const char *template);
/* All formats as text: id, count, template and expression, in order. To be freed. */
char *describe(const struct formats *f);
/* For a failed test: the templates. */
const char *templates(const struct formats *f);

/* The labelled sets, when they are there: their paths, NULL at the end. */
extern const char *const log_sets[];

#endif
