/*
 * utf8: one character at a time (RFC 3629), and the classes of characters that matter to log lines.
 */
#ifndef LOGPTN_LIB_UTF8_H
#define LOGPTN_LIB_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* utf8_decode: the character at p[0..n) and its length, or 0 if the bytes there are not valid
 * UTF-8. */
size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *cp);

/* utf8_encode: writes cp to out (4 bytes) and returns its length; what is not a character becomes
 * U+FFFD. */
size_t utf8_encode(uint32_t cp, uint8_t out[4]);

enum utf8_class {
	UTF8_LETTER, /* part of a word */
	UTF8_SPACE,  /* separates words: U+00A0, U+2000-200A, U+3000 */
	UTF8_PUNCT, /* delimiters: full-width forms, CJK brackets and stops, dashes, quotation marks */
	UTF8_HAN, /* scripts written without spaces: a change of script ends a word */
	UTF8_HIRAGANA,
	UTF8_KATAKANA,
	UTF8_HANGUL,
};
enum utf8_class utf8_class(uint32_t cp);

#endif
