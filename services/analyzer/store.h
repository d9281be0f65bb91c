/*
 * store: payloads of flows that were put aside, each different one once.
 *
 * What it holds stays where it is until the store goes; when its memory is full, it takes no more.
 */
#ifndef ANALYZER_STORE_H
#define ANALYZER_STORE_H

#include <stddef.h>
#include <stdint.h>

/* Longer ones are not taken: they would fill it, and seldom come twice. */
#define STORE_MAX 8192u

struct store;

/* store_new: for bytes of payload, and a table of the same order; memory is taken as it fills. 0 or
 * -errno. */
int store_new(size_t bytes, struct store **out);
void store_free(struct store **s);

/* store_put: where these n bytes (0 < n <= STORE_MAX) are kept; NULL: they are not. */
const uint8_t *store_put(struct store *s, const uint8_t *p, size_t n);

#endif
