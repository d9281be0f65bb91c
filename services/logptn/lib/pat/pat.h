/*
 * pat: patterns in the making: skeletons whose words are numbers, so that merging them is cheap.
 *
 * A pattern is a list of codes: a word, a delimiter, or the value PAT_VALUE. At the start there is
 * one for each skeleton; merging replaces several by one that is more general and owns their
 * members. Whatever is decided depends on the contents of patterns only, never on the order in
 * which they came: all orders are by hash.
 */
#ifndef LOGPTN_LIB_PAT_PAT_H
#define LOGPTN_LIB_PAT_PAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logptn/lib/arena.h"
#include "logptn/lib/line/token.h"
#include "logptn/lib/pat/pat_mix.h"
#include "logptn/lib/pat/vocab.h"

#define PAT_VALUE 0u
#define PAT_NONE  UINT32_MAX

struct pat {
	uint32_t *code;
	uint32_t n;
	uint32_t head, tail; /* members: list through pats.next, by skeleton index */
	uint32_t members;
	uint64_t hash;
	bool dead;
	bool headed; /* a header was cut off; part of the pattern's identity */
};

struct pats {
	struct sym *sym;
	uint32_t nsym, capsym;
	uint32_t *symtab;
	uint32_t symmask;
	struct pat *v;
	uint32_t n, cap;
	uint32_t *tab; /* by hash */
	uint32_t mask;
	uint32_t *next;     /* per skeleton */
	struct arena codes; /* memory of the patterns' codes */
	bool failed;        /* out of memory: results are not to be used */
};

/* pats_init: for nskels skeletons. 0 or -ENOMEM. */
int pats_init(struct pats *p, uint32_t nskels);
void pats_fini(struct pats *p);

/* pats_code: the code of a word or delimiter; text is borrowed as long as p lives. */
uint32_t pats_code(struct pats *p, enum tok_kind kind, const uint8_t *text, size_t n);

/* pats_find: the code, or PAT_NONE if it is not known. */
uint32_t pats_find(const struct pats *p, enum tok_kind kind, const uint8_t *text, size_t n);

/* pats_parse: the codes of a skeleton's text (token.h); out has TOK_MAX entries. Returns their
 * number. */
uint32_t pats_parse(struct pats *p, const uint8_t *text, size_t n, uint32_t *out);

/* pats_put: the pattern with these codes, alive; a new one without members if there was none.
 * Values that became neighbours are one. Returns its index, PAT_NONE out of memory. */
uint32_t pats_put(struct pats *p, const uint32_t *code, uint32_t n, bool headed);

void pats_add_member(struct pats *p, uint32_t pat, uint32_t skel);

/* pats_replace: the patterns from[0..n) die and the one with these codes takes their members. */
void pats_replace(struct pats *p, const uint32_t *from, size_t n, const uint32_t *code,
		  uint32_t len, bool headed);

static inline const struct sym *pats_sym(const struct pats *p, uint32_t code)
{
	return &p->sym[code];
}

static inline bool pats_is(const struct pats *p, uint32_t code, unsigned flags)
{
	return (p->sym[code].flags & flags) != 0;
}

/* True if the code is the delimiter c. */
static inline bool pats_punct(const struct pats *p, uint32_t code, char c)
{
	const struct sym *s = &p->sym[code];

	return s->flags & SYM_PUNCT && s->len == 1 && s->text[0] == (uint8_t)c;
}

/* pats_words: how many of code[0..n) are words with letters. */
uint32_t pats_words(const struct pats *p, const uint32_t *code, uint32_t n);

/* Rows for grouping: sorted by key, then by content. */
struct pat_row {
	uint64_t key;
	uint64_t order; /* hash of the pattern */
	uint32_t pat, slot;
};
void pat_rows_sort(struct pat_row *rows, size_t n);

#endif
