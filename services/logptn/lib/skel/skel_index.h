/*
 * skel_index: patterns, that is, skeletons that stand for several, and which of them a skeleton is
 * of. A pattern is found by way of a word that few patterns have.
 */
#ifndef LOGPTN_LIB_SKEL_SKEL_INDEX_H
#define LOGPTN_LIB_SKEL_SKEL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "logptn/lib/line/token.h"

struct skel_index;

/* skel_index_new: for at most `most` patterns. 0 or -ENOMEM. */
int skel_index_new(uint32_t most, struct skel_index **out);
void skel_index_free(struct skel_index **x);

/* skel_index_add: the skeleton number `skel` is a pattern; text is its text (token.h), borrowed
 * as long as the index lives. One with fewer than two words is left out: it would catch nearly
 * everything. 0 or -ENOMEM. */
int skel_index_add(struct skel_index *x, const uint8_t *text, size_t len, uint32_t skel);

/* skel_index_seal: all patterns have been added, and may be looked for. 0 or -ENOMEM. */
int skel_index_seal(struct skel_index *x);

/* skel_index_find: the number of the most specific pattern that a skeleton's text is of, UINT32_MAX
 * if there is none. slots has one entry for each value of the text. Then out[i] is what value i of
 * the pattern stands for in the text; out has TOK_MAX entries, *n is their number. */
uint32_t skel_index_find(const struct skel_index *x, const uint8_t *text, size_t len,
			 const struct slot *slots, struct slot *out, uint32_t *n);

#endif
