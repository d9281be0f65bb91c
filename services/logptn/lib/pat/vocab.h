/*
 * vocab: what is known of a single word from its letters.
 */
#ifndef LOGPTN_LIB_PAT_VOCAB_H
#define LOGPTN_LIB_PAT_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SYM_WORD = 1,
	SYM_PUNCT = 2,
	SYM_LETTERS = 4, /* has a letter: means something */
	SYM_UPPER = 8,   /* no small letters, more than one character: RUNNING, ERROR */
	SYM_DOTTED = 16, /* three or more parts: a host, a package */
	SYM_BLANK = 32,
	SYM_DIGITS = 64,
	SYM_LEVEL = 128, /* INFO, warn */
	SYM_UNIT = 256,  /* ms, KB */
};

/* A word or delimiter; its code is its index. Code 0 is PAT_VALUE. */
struct sym {
	uint64_t hash;  /* of kind and text */
	uint64_t stem;  /* of the text without its digits */
	uint64_t space; /* SYM_DOTTED: of the first two parts */
	uint64_t lower; /* of the text in small letters */
	const uint8_t *text;
	uint32_t len;
	uint16_t flags;
};

uint64_t vocab_hash(const uint8_t *p, size_t n);
/* vocab_judge: fills flags, stem, space and lower from the text of a word. */
void vocab_judge(struct sym *s);
/* vocab_blank: the delimiter is white space. */
bool vocab_blank(const uint8_t *p, size_t n);
/* vocab_fold: FNV-1a of the text in small ASCII letters; for comparing with vocab_is. */
uint64_t vocab_fold(const uint8_t *p, size_t n);

#endif
