/*
 * payload_store: the payloads of packed flows, each distinct payload once.
 *
 * A stored payload keeps its address until the store is freed. A full store takes nothing more.
 */
#ifndef ANALYZER_PAYLOAD_STORE_H
#define ANALYZER_PAYLOAD_STORE_H

#include <stddef.h>
#include <stdint.h>

/* Longer payloads are not stored: they would fill the store, and few occur twice. */
#define PAYLOAD_STORE_MAX 8192u

struct payload_store;

/* payload_store_new: room for this many bytes of payload, and a table of about the same size.
 * Memory is taken as it fills. 0 or -errno. */
int payload_store_new(size_t bytes, struct payload_store **out);
void payload_store_free(struct payload_store **s);

/* payload_store_put: returns the address at which these n bytes (0 < n <= PAYLOAD_STORE_MAX) are
 * stored, or NULL if they are not. */
const uint8_t *payload_store_put(struct payload_store *s, const uint8_t *p, size_t n);

#endif
