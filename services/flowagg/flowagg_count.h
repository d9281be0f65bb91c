/*
 * flowagg_count: flowagg's counters: the rows of counts.def as indices into an array of values.
 */
#ifndef FLOWAGG_FLOWAGG_COUNT_H
#define FLOWAGG_FLOWAGG_COUNT_H

enum flowagg_count {
#define COUNT(id, ...) FLOWAGG_##id,
#include "flowagg/counts.def"
	FLOWAGG_COUNTS
};

#endif
