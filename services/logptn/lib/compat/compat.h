/*
 * compat: the algorithm of the original logptn, exactly, minus its bugs.
 *
 * A line is cut into chunks: each delimiter is one, and the text between two delimiters is one.
 * Lines are clustered in input order: similarity is the share of equal chunks at equal positions, 0
 * if the numbers of chunks differ; a line joins the most similar cluster (the first of equals)
 * whose first line is at least `threshold` similar, else it starts one. A position is a variable
 * where more than one value occurs. Formats are in order of creation.
 */
#ifndef LOGPTN_LIB_COMPAT_COMPAT_H
#define LOGPTN_LIB_COMPAT_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPAT_DELIMITERS " \t!,:;[]{}()<>=|\\*\"'"
#define COMPAT_THRESHOLD  0.7

struct compat_options {
	double threshold;
	const char *delimiters; /* UTF-8; NULL: COMPAT_DELIMITERS. Borrowed. */
	bool regex; /* cut out date-times, dates, times, e-mail and IPv4 addresses first */
};

struct compat_value {
	const uint8_t *p;
	size_t n;
	uint64_t lines;
};

struct compat_segment {
	bool variable;
	struct compat_value *value; /* one for a constant; else sorted by their bytes */
	size_t nvalues;
};

struct compat_format {
	char id[65];
	struct compat_segment *seg;
	size_t nseg;
	uint64_t lines;
};

struct compat;

int compat_new(const struct compat_options *o, struct compat **out);
void compat_free(struct compat **c);

/* compat_add: one line without its end; empty lines are not counted. Its cluster goes to *cluster
 * (UINT32_MAX for an empty line). 0 or -ENOMEM. */
int compat_add(struct compat *c, const uint8_t *line, size_t n, uint32_t *cluster);

/* compat_finish: the formats, one for each cluster, valid until compat_free. No lines may be added
 * after it. */
int compat_finish(struct compat *c, const struct compat_format **formats, size_t *n);

/* compat_split: the chunks of a line; *chunk is valid until the next call with this c. */
struct compat_chunk {
	uint32_t off, len;
};
int compat_split(struct compat *c, const uint8_t *line, size_t n, const struct compat_chunk **chunk,
		 size_t *nchunks);

#endif
