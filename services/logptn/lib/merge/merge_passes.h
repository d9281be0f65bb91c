/*
 * merge_passes: the passes in the order in which merge_run calls them, each with an example: the
 * lines that differ, and the pattern that replaces them.
 *
 *   slots    One word varies; how many different words are enough depends on the place.
 *              login by ann today · login by bob today · … (6)   →  login by * today
 *   stems    Several words vary, each in its digits only.
 *              r01=x r02=x · r07=x r31=x · r02=x r03=x           →  *=x *=x
 *   keyed    What stands behind keys varies in form.
 *              lock=1 ws=null · lock=2 ws=Source{1}              →  lock=* ws=*
 *   pairs    Two words vary together, independently of each other.
 *              move ann to red box · move bob to blue box · … (4) →  move * to * box
 *   forms    The words are the same, and the values have different forms.
 *              synced to 10.0.0.1, stratum 3 · synced to LOCAL(0), stratum 10
 *                                                                →  synced to *, stratum *
 *   lists    The same values, more or fewer of them.
 *              delete blk_1 blk_2 · delete blk_3                 →  delete *
 *   spans    A value has one word here and several there, or a unit behind it.
 *              invalid user bob from 10.0.0.1 · invalid user a b from 10.0.0.2
 *                                                                →  invalid user * from *
 *   quotes   Text between quotes varies in the number of its words.
 *              key "a b" set · key "c" set · key "d e f" set     →  key "*" set
 *
 * The order matters: a cheap pass that asks for more comes before one that accepts more, so that
 * the later one finds values where the earlier one left words.
 */
#ifndef LOGPTN_LIB_MERGE_MERGE_PASSES_H
#define LOGPTN_LIB_MERGE_MERGE_PASSES_H

#include "logptn/lib/pat/pat.h"

/* A pass over all patterns: true if it merged some. Out of memory it sets p->failed. */
typedef bool (*merge_pass)(struct pats *p);

bool pass_slots(struct pats *p);
bool pass_stems(struct pats *p);
bool pass_keyed(struct pats *p);
bool pass_pairs(struct pats *p);
bool pass_forms(struct pats *p);
bool pass_lists(struct pats *p);
bool pass_spans(struct pats *p);
bool pass_quotes(struct pats *p);

#endif
