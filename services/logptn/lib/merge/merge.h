/*
 * merge: from patterns that are skeletons to patterns that are log templates.
 *
 * The passes run one after the other, over all patterns, until a round changes nothing. Each pass
 * groups patterns by a hash of what must be equal and replaces the members of a group by one
 * pattern. No pass knows another pass or a kind of log; each knows pat.h, the questions in
 * pat_words.h and pat_ends.h, and the grouping in merge_rows.h. merge_passes.h lists the passes in
 * their order, with an example of each.
 */
#ifndef LOGPTN_LIB_MERGE_MERGE_H
#define LOGPTN_LIB_MERGE_MERGE_H

#include "logptn/lib/pat/pat.h"

/* merge_run: all passes. 0 or -ENOMEM. */
int merge_run(struct pats *p);

#endif
