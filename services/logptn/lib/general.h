/*
 * general: what a full table of skeletons does.
 *
 * The skeletons of each format become one skeleton, the format's pattern. A line whose skeleton is
 * not in the table is then looked for among these patterns, by way of a word that few of them have.
 * From here on the result may depend on the order of lines: a limit has been hit.
 */
#ifndef LOGPTN_LIB_GENERAL_H
#define LOGPTN_LIB_GENERAL_H

#include "logptn/lib/skel.h"

/* general_make: replaces the skeletons of each format by one. 0; -ENOSPC if more than half of the
 * table stays in use; -ENOMEM. */
int general_make(struct skels *t);

/* general_find: the most specific pattern that a skeleton's text is of, and unites its values with
 * what is known; SKEL_NONE if there is none. */
uint32_t general_find(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots);

void general_free(struct skels *t);

#endif
