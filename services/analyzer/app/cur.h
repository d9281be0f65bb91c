/*
 * cur: a bounded cursor with a sticky error. A read past the end gives zero (or absent bytes) and
 * sets `bad`; from then on nothing moves, so that a parser reads straight through and asks once, at
 * the end.
 */
#ifndef APP_CUR_H
#define APP_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct cur {
	const uint8_t *p;
	size_t n, at;
	bool bad;
};

static inline struct cur cur_of(struct bytes b)
{
	return (struct cur){.p = b.p, .n = b.n};
}

static inline size_t cur_left(const struct cur *c)
{
	return c->bad ? 0 : c->n - c->at;
}

/* cur_take: the next n bytes, borrowed. */
static inline struct bytes cur_take(struct cur *c, size_t n)
{
	if (c->bad || n > c->n - c->at) {
		c->bad = true;
		return (struct bytes){NULL, 0};
	}
	struct bytes b = {c->p + c->at, n};
	c->at += n;
	return b;
}

/* cur_rest: all that is left. */
static inline struct bytes cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}

/* cur_sub: a cursor over the next n bytes; it is bad when they are not there. */
static inline struct cur cur_sub(struct cur *c, size_t n)
{
	struct bytes b = cur_take(c, n);
	return (struct cur){.p = b.p, .n = b.n, .bad = c->bad};
}

static inline void cur_skip(struct cur *c, size_t n)
{
	(void)cur_take(c, n);
}

/* cur_peek: the byte i places ahead, or -1. */
static inline int cur_peek(const struct cur *c, size_t i)
{
	return i < cur_left(c) ? c->p[c->at + i] : -1;
}

static inline uint64_t cur_be(struct cur *c, size_t n)
{
	struct bytes b = cur_take(c, n);
	uint64_t v = 0;
	for (size_t i = 0; i < b.n; i++)
		v = v << 8 | b.p[i];
	return v;
}

static inline uint64_t cur_le(struct cur *c, size_t n)
{
	struct bytes b = cur_take(c, n);
	uint64_t v = 0;
	for (size_t i = b.n; i > 0; i--)
		v = v << 8 | b.p[i - 1];
	return v;
}

static inline uint8_t cur_u8(struct cur *c)
{
	return (uint8_t)cur_be(c, 1);
}
static inline uint16_t cur_u16(struct cur *c)
{
	return (uint16_t)cur_be(c, 2);
}
static inline uint32_t cur_u24(struct cur *c)
{
	return (uint32_t)cur_be(c, 3);
}
static inline uint32_t cur_u32(struct cur *c)
{
	return (uint32_t)cur_be(c, 4);
}
static inline uint16_t cur_u16le(struct cur *c)
{
	return (uint16_t)cur_le(c, 2);
}
static inline uint32_t cur_u32le(struct cur *c)
{
	return (uint32_t)cur_le(c, 4);
}

#endif
