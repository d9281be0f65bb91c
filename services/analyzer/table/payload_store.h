/*
 * payload_store: payloads of flows that were put aside, each different one once.
 *
 * What it holds stays where it is until the store goes; when its memory is full, it takes no more.
 */
#ifndef ANALYZER_PAYLOAD_STORE_H
#define ANALYZER_PAYLOAD_STORE_H

#include <stddef.h>
#include <stdint.h>

/* Longer ones are not taken: they would fill it, and seldom come twice. */
#define PAYLOAD_STORE_MAX 8192u

struct payload_store;

/* payload_store_new: for bytes of payload, and a table of the same order; memory is taken as it
 * fills. 0 or -errno. */
int payload_store_new(size_t bytes, struct payload_store **out);
void payload_store_free(struct payload_store **s);

/* payload_store_put: where these n bytes (0 < n <= PAYLOAD_STORE_MAX) are kept; NULL: they are
 * not. */
const uint8_t *payload_store_put(struct payload_store *s, const uint8_t *p, size_t n);

#endif
