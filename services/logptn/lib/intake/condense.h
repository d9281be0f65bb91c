/*
 * condense: what a full table of skeletons does. The skeletons of each log template become one
 * skeleton, the template's pattern, and t->index finds the pattern of a further line.
 */
#ifndef LOGPTN_LIB_INTAKE_CONDENSE_H
#define LOGPTN_LIB_INTAKE_CONDENSE_H

#include "logptn/lib/skel/skel.h"

/* condense: replaces the skeletons of each log template by one; their indexes change, and
 * t->generation tells so. 0; -ENOSPC if more than half of the table stays in use; -ENOMEM, then t
 * is as it was. */
int condense(struct skels *t);

#endif
