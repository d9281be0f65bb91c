/*
 * capture_count: capture's counters: the rows of counts.def as indices into an array of values.
 */
#ifndef CAPTURE_CAPTURE_COUNT_H
#define CAPTURE_CAPTURE_COUNT_H

enum capture_count {
#define COUNT(id, ...) CAPTURE_##id,
#include "capture/counts.def"
	CAPTURE_COUNTS
};

#endif
