/*
 * intake: how lines get into a table of skeletons.
 *
 * The shape of a line leads to its skeleton: by the cache nearly always, else by the line's tokens.
 * At `max` skeletons those of one log template become one (condense.h), and lines are matched
 * against these from then on: a limit has been hit, and the result may depend on the order of
 * lines. If that frees too little, what comes later is counted under a coarse skeleton (its first
 * word and one value), and in `coarse`.
 */
#ifndef LOGPTN_LIB_INTAKE_INTAKE_H
#define LOGPTN_LIB_INTAKE_INTAKE_H

#include "logptn/lib/skel/skel.h"

/* intake_add: counts a line (no newline; SHAPE_SLACK bytes readable behind it) and returns its
 * skeleton's index, or SKEL_NONE out of memory. */
uint32_t intake_add(struct skels *t, const uint8_t *line, size_t n);

/* intake_find: the skeleton that intake_add counted a line under, without counting; SKEL_NONE if
 * there is none. */
uint32_t intake_find(struct skels *t, const uint8_t *line, size_t n);

/* intake_peek: the skeleton with exactly the text of this line's, or SKEL_NONE. It leaves the cache
 * alone, so that threads may share the table. */
uint32_t intake_peek(const struct skels *t, const uint8_t *line, size_t n);

/* intake_put: where lines of the skeleton with this text (token.h) are counted, for loading a
 * state; nothing is counted. slots has one entry for each value in the text and is united with what
 * is there. SKEL_NONE out of memory. */
uint32_t intake_put(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		    uint32_t nslots);

/* intake_union: adds all of `from`. Out of memory, t->failed is set. */
void intake_union(struct skels *t, const struct skels *from);

#endif
