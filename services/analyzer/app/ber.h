/*
 * ber: tag and length of ASN.1's Basic Encoding Rules (X.690), one-byte tags and lengths of at most
 * four bytes.
 */
#ifndef APP_BER_H
#define APP_BER_H

#include "app/cur.h"

/* ber_next: the tag of the next element, and a cursor over its contents; -1 when there is none. An
 * element that was cut off gives what there is, when cut is not NULL, and says so. */
static inline int ber_next(struct cur *c, struct cur *body, bool *cut)
{
	uint8_t tag = cur_u8(c), first = cur_u8(c);
	size_t len = first;
	if (first & 0x80) {
		unsigned n = first & 0x7f;
		if (n == 0 || n > 4)
			c->bad = true;
		len = (size_t)cur_be(c, n);
	}
	if (c->bad)
		return -1;
	if (cut)
		*cut = len > cur_left(c);
	*body = cur_sub(c, cut && *cut ? cur_left(c) : len);
	return c->bad ? -1 : tag;
}

/* ber_uint: an INTEGER or ENUMERATED of at most four bytes as a number; the cursor goes bad
 * otherwise. */
static inline uint32_t ber_uint(struct cur *c, int tag)
{
	struct cur body;
	if (ber_next(c, &body, NULL) != tag || body.n == 0 || body.n > 5)
		c->bad = true;
	return c->bad ? 0 : (uint32_t)cur_be(&body, body.n);
}

#endif
