/*
 * merge_int: shared by the passes of merge.h, not for others.
 */
#ifndef LOGPTN_LIB_MERGE_INT_H
#define LOGPTN_LIB_MERGE_INT_H

#include "logptn/lib/merge.h"

struct span {
	uint32_t from, to;
};

/* merge_keyed: code i of c is where the value of a key starts, or the text inside its quotes; keys
 * whose text is the message of a structured line (msg, error, …) do not count. */
bool merge_keyed(const struct pats *p, const uint32_t *c, uint32_t i);

/* merge_split: the words of a pattern, between blanks. Returns their number, at most TOK_MAX. */
uint32_t merge_split(const struct pats *p, const struct pat *q, struct span *out);

/* merge_has_value: a value is in code[from..to). */
bool merge_has_value(const uint32_t *code, struct span s);

/* What a run of codes has in common with others: at both ends. Starts as {n, n, n, false} for n
 * codes. */
struct ends {
	uint32_t pre, post, least;
	bool differs;
};
/* merge_narrow: b[0..lb) is another run, a[0..la) the first. */
void merge_narrow(struct ends *e, const uint32_t *a, uint32_t la, const uint32_t *b, uint32_t lb);
/* merge_append: appends the run to code[0..len): as it is, or its common ends with one value
 * between them. Returns the new length. */
uint32_t merge_append(const struct ends *e, const uint32_t *a, uint32_t la, uint32_t *code,
		      uint32_t len);

/* merge_alive: keeps the rows whose pattern is alive; returns their number. */
uint32_t merge_alive(const struct pats *p, struct pat_row *rows, uint32_t n);

/* merge_replace: the patterns of rows, which differ in slots a and b at most, become one with
 * values there. */
bool merge_replace(struct pats *p, const struct pat_row *rows, uint32_t n, uint32_t a, uint32_t b);

/* merge_without: the pattern's hash without the code at i. */
uint64_t merge_without(const struct pats *p, const struct pat *q, uint32_t i);

#endif
