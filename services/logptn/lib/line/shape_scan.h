/*
 * shape_scan: which bytes of a line are digits, which are letters or digits, as bit masks.
 */
#ifndef LOGPTN_LIB_LINE_SHAPE_SCAN_H
#define LOGPTN_LIB_LINE_SHAPE_SCAN_H

#include <stdbool.h>

#include "logptn/lib/line/shape.h"

/* Bit i of word i / 64 is byte i; bits from n on are clear, and one clear word follows. */
struct shape_masks {
	uint64_t digit[SHAPE_MAX / 64 + 2];
	uint64_t alnum[SHAPE_MAX / 64 + 2];
};

/* shape_scan: fills the masks for line[0..n), n <= SHAPE_MAX. Returns true if there is a byte that
 * is not printable ASCII or a tab, so that the line needs the careful way. Reads up to SHAPE_SLACK
 * bytes beyond n. */
bool shape_scan(const uint8_t *line, size_t n, struct shape_masks *m);

#endif
