/*
 * cursor: numbers and bytes of a saved state. Numbers are 8 bytes, little-endian.
 */
#ifndef LOGPTN_LIB_CURSOR_H
#define LOGPTN_LIB_CURSOR_H

#include "proto/buf.h"

/* cursor_put: appends a number; failures stay in the buffer. */
void cursor_put(struct buf *b, uint64_t v);

/* What is left to read; bad stays set once something was missing or too large. */
struct cursor {
	const uint8_t *p;
	size_t n;
	bool bad;
};

/* cursor_take: the next n bytes, or NULL. */
const uint8_t *cursor_take(struct cursor *c, size_t n);
/* cursor_get: the next number, which may be `most` at most; 0 if it is bad. */
uint64_t cursor_get(struct cursor *c, uint64_t most);

#endif
