/*
 * token: the skeleton of a line: its words, its delimiters, and where its values are.
 *
 * A skeleton is a list of tokens: a word (constant text, for now), a delimiter (punctuation, or
 * white space as one blank), or a value. Two words or values are never neighbours: where a script
 * changes (漢字かな), an empty delimiter stands between. It depends on the shape of the line only
 * (shape.h).
 */
#ifndef LOGPTN_LIB_LINE_TOKEN_H
#define LOGPTN_LIB_LINE_TOKEN_H

#include <stdint.h>

#include "logptn/lib/line/shape.h"

enum tok_kind { TOK_WORD, TOK_PUNCT, TOK_VALUE };

/* What a value was recognised as; a set of them is a mask of 1 << type. */
enum tok_type {
	TYPE_WORD, /* text that became a value by its variation */
	TYPE_NUMBER,
	TYPE_ID, /* letters and digits */
	TYPE_TIME,
	TYPE_IP,
	TYPE_URL,
	TYPE_PATH,
	TYPE_EMAIL,
	TYPE_HOST,
	TYPE_BOOL,
	TYPE_NULL,
	TYPE_LIST,  /* several of a kind */
	TYPE_BYTES, /* control bytes, broken UTF-8 */
	TYPE_REST,  /* what is beyond SHAPE_MAX or TOK_MAX */
	TYPE_COUNT,
};
const char *tok_type_name(enum tok_type t);

/* Tokens of a line; what follows is one value of TYPE_REST. */
#define TOK_MAX 400u

struct token {
	uint8_t kind, type;
	uint32_t off, len; /* in the shape; len 0 for an empty delimiter */
	uint64_t chars;    /* classes of bytes in the line's text (chars.h), for values and words */
};

/* What is known of one value of a skeleton: the union over all lines. */
struct slot {
	uint64_t chars; /* classes of bytes (chars.h) */
	uint16_t types; /* mask of 1 << enum tok_type */
};

/* tokenize: the tokens of a shape, out has TOK_MAX entries. White space at both ends is dropped.
 * Returns their number. */
size_t tokenize(const uint8_t *shape, size_t n, struct token *out);

/* tok_text: writes the skeleton as text that is equal exactly for equal skeletons: for each token a
 * byte (TEXT_VALUE, TEXT_WORD, TEXT_PUNCT) and its text. out has room for n + 2 * ntok bytes, where
 * n is the shape's length. Returns the length. */
enum { TEXT_VALUE = 1, TEXT_WORD = 2, TEXT_PUNCT = 3 };
size_t tok_text(const uint8_t *shape, const struct token *t, size_t ntok, uint8_t *out);

#endif
