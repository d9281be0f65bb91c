/*
 * script: the classes of characters that matter to the words of a log line.
 */
#ifndef LOGPTN_LIB_LINE_SCRIPT_H
#define LOGPTN_LIB_LINE_SCRIPT_H

#include <stdint.h>

enum script {
	SCRIPT_LETTER, /* part of a word */
	SCRIPT_SPACE,  /* separates words: U+00A0, U+2000-200A, U+3000 */
	/* Delimiters: full-width forms, CJK brackets and stops, dashes, quotation marks. */
	SCRIPT_PUNCT,
	/* Scripts written without spaces: a change of script ends a word. */
	SCRIPT_HAN,
	SCRIPT_HIRAGANA,
	SCRIPT_KATAKANA,
	SCRIPT_HANGUL,
};

/* script_of: the class of a Unicode code point. */
enum script script_of(uint32_t cp);

#endif
