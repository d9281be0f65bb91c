/*
 * flowagg_count: what flowagg counts: the rows of counts.def as indices into its array of values.
 */
#ifndef FLOWAGG_FLOWAGG_COUNT_H
#define FLOWAGG_FLOWAGG_COUNT_H

enum flowagg_count {
#define COUNT(id, ...) FLOWAGG_##id,
#include "flowagg/counts.def"
	FLOWAGG_COUNTS
};

#endif
