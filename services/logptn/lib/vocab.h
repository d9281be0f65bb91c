/*
 * vocab: what is known of a single word from its letters.
 */
#ifndef LOGPTN_LIB_VOCAB_H
#define LOGPTN_LIB_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sym;

uint64_t vocab_hash(const uint8_t *p, size_t n);
/* vocab_judge: fills flags, stem, space and lower from the text of a word. */
void vocab_judge(struct sym *s);
/* vocab_blank: the delimiter is white space. */
bool vocab_blank(const uint8_t *p, size_t n);
/* vocab_fold: FNV-1a of the text in small ASCII letters; for comparing with vocab_is. */
uint64_t vocab_fold(const uint8_t *p, size_t n);

#endif
