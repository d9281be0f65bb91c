#include "logptn/lib/cursor.h"

void cursor_put(struct buf *b, uint64_t v)
{
	uint8_t x[8];

	for (int i = 0; i < 8; i++)
		x[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, x, sizeof x);
}

const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || n > c->n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->n -= n;
	return p;
}

uint64_t cursor_get(struct cursor *c, uint64_t most)
{
	const uint8_t *p = cursor_take(c, 8);
	uint64_t v = 0;

	for (int i = 7; p && i >= 0; i--)
		v = v << 8 | p[i];
	if (v > most) {
		c->bad = true;
		return 0;
	}
	return v;
}
