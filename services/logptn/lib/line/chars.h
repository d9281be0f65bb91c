/*
 * chars: sets of classes of bytes, so that an expression can be made that matches all values seen.
 */
#ifndef LOGPTN_LIB_LINE_CHARS_H
#define LOGPTN_LIB_LINE_CHARS_H

#include <stddef.h>
#include <stdint.h>

enum {
	CHARS_DIGIT = 1 << 0,
	CHARS_LOWER = 1 << 1,
	CHARS_UPPER = 1 << 2,
	CHARS_SPACE = 1 << 3, /* blank, tab */
	CHARS_HIGH = 1 << 4,  /* 0x80 and above: UTF-8 or not */
	CHARS_CONTROL = 1 << 5,
};
#define CHARS_PUNCT_SHIFT 8 /* then one bit for each of CHARS_PUNCT, in order */
#define CHARS_PUNCT       "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
#define CHARS_ALL         ((UINT64_C(1) << (CHARS_PUNCT_SHIFT + 32)) - 1)

/* chars_of_shape: the set for the text that p[0..n) of a shape stands for. */
uint64_t chars_of_shape(const uint8_t *p, size_t n);

#endif
