/*
 * model: what reassembly must give, said in the simplest way: one cell a byte, the first arrival
 * stays.
 */
#ifndef TEST_ANALYZER_MODEL_H
#define TEST_ANALYZER_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "reassembly/byte_stream.h"

#define MODEL_BYTES 65536u

struct model {
	uint8_t b[MODEL_BYTES];
	bool there[MODEL_BYTES];
	uint32_t end; /* of the highest byte */
	uint64_t conflicts;
};

/* model_put: bytes at an offset from the first byte after the SYN; what is below 0 or beyond the
 * model is not kept. */
static inline void model_put(struct model *m, int64_t at, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t o = at + i;
		if (o < 0 || o >= MODEL_BYTES)
			continue;
		if (!m->there[o]) {
			m->there[o] = true;
			m->b[o] = p[i];
		} else if (m->b[o] != p[i]) {
			m->conflicts++;
		}
		if (o + 1 > m->end)
			m->end = (uint32_t)(o + 1);
	}
}

/* model_equals: the payload, its gaps, and what lies in them. */
static inline bool model_equals(const struct model *m, const struct stream_whole *w)
{
	size_t g = 0;

	if (w->payload.n != m->end)
		return false;
	for (uint32_t i = 0; i < m->end;) {
		if (m->there[i]) {
			if (w->payload.p[i] != m->b[i])
				return false;
			i++;
			continue;
		}
		uint32_t to = i;
		while (!m->there[to])
			if (w->payload.p[to++])
				return false;
		if (g == w->ngaps || w->gaps[g].from != i || w->gaps[g].to != to)
			return false;
		g++;
		i = to;
	}
	return g == w->ngaps;
}

#endif
