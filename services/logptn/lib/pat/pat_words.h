/*
 * pat_words: questions about the codes of a pattern: its words, and what stands at a place.
 */
#ifndef LOGPTN_LIB_PAT_PAT_WORDS_H
#define LOGPTN_LIB_PAT_PAT_WORDS_H

#include "logptn/lib/pat/pat.h"
#include "logptn/lib/pat/span.h"

/* pats_split: the words of a pattern, that is, what stands between blanks; out has TOK_MAX + 1
 * entries. Returns their number. */
uint32_t pats_split(const struct pats *p, const struct pat *q, struct span *out);

/* pats_has_value: a value is in code[s.from..s.to). */
bool pats_has_value(const uint32_t *code, struct span s);

/* pats_trim: s without the delimiters of set at its end; at least one code stays. */
struct span pats_trim(const struct pats *p, const uint32_t *code, struct span s, const char *set);

/* pats_delimiter_in: the code is a delimiter that is one of the characters (UTF-8) of set. */
bool pats_delimiter_in(const struct pats *p, uint32_t code, const char *set);

/* pats_word_is: the code is this word (given in small letters), in any case. */
bool pats_word_is(const struct pats *p, uint32_t code, const char *word);

/* pats_keyed: the value of a key starts at c[i] (key=value, "key":value), or the text inside its
 * quotes. Keys whose text is the message of a structured line (msg, error, …) do not count. */
bool pats_keyed(const struct pats *p, const uint32_t *c, uint32_t i);

#endif
