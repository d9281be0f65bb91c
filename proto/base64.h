/*
 * base64: RFC 4648, section 4, with padding.
 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Room that base64_encode needs for n bytes; the last of it is used, but not part of the result. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4 + 1)

/* base64_encode: writes to out and returns the length. */
size_t base64_encode(const uint8_t *p, size_t n, uint8_t *out);

#endif
