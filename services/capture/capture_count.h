/*
 * capture_count: what capture counts: the rows of counts.def as indices into its array of values.
 */
#ifndef CAPTURE_CAPTURE_COUNT_H
#define CAPTURE_CAPTURE_COUNT_H

enum capture_count {
#define COUNT(id, ...) CAPTURE_##id,
#include "capture/counts.def"
	CAPTURE_COUNTS
};

#endif
