/*
 * tuple: the two ends of a TCP connection, from the client's side.
 */
#ifndef RESPONDER_TUPLE_H
#define RESPONDER_TUPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pkt/pkt.h"

/* No padding: memcmp compares. */
struct tuple {
	struct addr src, dst;
	uint16_t sport, dport;
};

#define TUPLE_BYTES_MAX 36

static inline struct tuple tuple_of(const struct pkt *p)
{
	return (struct tuple){p->src, p->dst, p->sport, p->dport};
}

static inline bool tuple_eq(const struct tuple *a, const struct tuple *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* tuple_bytes: the shortest unambiguous form, to be hashed; returns its length (12 or 36). */
static inline size_t tuple_bytes(const struct tuple *t, uint8_t out[TUPLE_BYTES_MAX])
{
	size_t n = t->src.family == 4 ? 4 : 16;

	memcpy(out, t->src.b, n);
	memcpy(out + n, t->dst.b, n);
	memcpy(out + 2 * n, &t->sport, 2);
	memcpy(out + 2 * n + 2, &t->dport, 2);
	return 2 * n + 4;
}

#endif
