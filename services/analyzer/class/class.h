/*
 * class: same bytes, same campaign. A payload_class is equal for payloads that differ only in
 * addresses, ports, numbers, tokens (hex, base64, UUIDs) and host names.
 *
 * Text is read once, as a run of pieces: each variable piece becomes a marker, everything else
 * stays as it is. Binary protocols hide their random fields (the random of a ClientHello, the ID of
 * a DNS query, a cookie), so of those that app recognised the fields that say something are taken
 * instead of the bytes. The result is hashed with SipHash-2-4-128 under a fixed, public key:
 * equality is all that is asked of it.
 */
#ifndef CLASS_CLASS_H
#define CLASS_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/msg.h"

#define CLASS_VERSION 1
#define CLASS_MAX_INPUT \
	(16u << 10)   /* bytes that count; of longer payloads, also that they are longer */
#define CLASS_TEXT 36 /* "1:", 32 hex digits, NUL, rounded up */

/* class_of: writes "VERSION:HEX" with NUL to out. rec is what app_recognise made of the payload;
 * NULL: unknown bytes. An empty payload has no class: out becomes "". */
void class_of(struct bytes payload, const struct msg_analysis *rec, char out[CLASS_TEXT]);

/* Markers in the normalised form: bytes that UTF-8 never has. */
enum { CLASS_NUMBER = 0xf5, CLASS_TOKEN = 0xf6, CLASS_HOST = 0xf7 };

/* class_normal: the normalised form of text: never longer than in. out has room for in.n bytes;
 * returns how many were written. */
size_t class_normal(struct bytes in, uint8_t *out);

/* class_fields: the normalised form of a recognised binary protocol, or 0 when rec->app is one
 * whose bytes speak for themselves. out has room for max bytes; what does not fit is left out. */
size_t class_fields(const struct msg_analysis *rec, uint8_t *out, size_t max);

#endif
