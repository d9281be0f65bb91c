/*
 * class: same bytes, same campaign. A payload_class is equal for payloads that differ only in
 * addresses, ports, numbers, tokens (hex, base64, UUIDs) and host names.
 *
 * The payload is read once, as a run of pieces: each variable piece becomes a marker, everything
 * else stays as it is, and the result is hashed (SipHash-2-4-128 under a fixed, public key:
 * equality is all that is asked of it). The first CLASS_MAX_INPUT bytes count, and whether there
 * were more.
 */
#ifndef CLASS_CLASS_H
#define CLASS_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

#define CLASS_VERSION   1
#define CLASS_MAX_INPUT (64u << 10)
#define CLASS_TEXT      36 /* "1:", 32 hex digits, NUL, rounded up */

/* class_of: writes "VERSION:HEX" with NUL to out. An empty payload has no class: out becomes "". */
void class_of(struct bytes payload, char out[CLASS_TEXT]);

/* class_normal: the normalised form that is hashed, for tests and for people; appends to out. 0 or
 * what buf_add gives. */
int class_normal(struct bytes payload, struct buf *out);

#endif
