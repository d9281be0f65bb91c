/*
 * header: the columns that nearly all lines of a log begin with: time, host, process, level.
 *
 * A column is accepted when at least HEADER_SHARE of all skeletons have the same kind of item
 * there: a value, a level, a group in brackets, a dash, something that ends in a colon, something
 * that ends at a bar. Columns of plain words are accepted when a column of such a kind follows.
 * Skeletons are counted, not lines, so that one frequent message does not look like a column. What
 * follows the header is the message, and only that is clustered.
 */
#ifndef LOGPTN_LIB_FORMAT_HEADER_H
#define LOGPTN_LIB_FORMAT_HEADER_H

#include "logptn/lib/pat/pat.h"
#include "logptn/lib/pat/span.h"

#define HEADER_SHARE   0.95
#define HEADER_COLUMNS 16u
/* Fewer skeletons do not tell a column from a message. */
#define HEADER_SKELETONS 4u

enum header_kind {
	HEADER_VALUE,
	HEADER_LEVEL,
	HEADER_GROUP,
	HEADER_DASH,
	HEADER_COLON,
	HEADER_BAR,
	HEADER_WORD,
	HEADER_END, /* no item left */
};

struct header_row {
	struct span col[HEADER_COLUMNS];
	uint32_t body; /* where the message starts; 0: the line does not have the header */
};

struct header {
	uint32_t ncols;
	enum header_kind kind[HEADER_COLUMNS];
	struct header_row *row; /* for each skeleton */
};

/* A skeleton as codes (pat.h). types has one mask for each code, 0 for constants. */
struct header_line {
	const uint32_t *code;
	const uint16_t *types;
	uint32_t n;
};

/* header_find: h->ncols is 0 if there is no header. 0 or -ENOMEM. */
int header_find(const struct pats *p, const struct header_line *lines, uint32_t n,
		struct header *h);
void header_fini(struct header *h);

#endif
