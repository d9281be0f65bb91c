/*
 * class: same class, same campaign. Payloads that differ only in addresses, ports, numbers, tokens
 * (hex, base64, UUIDs) and host names have the same payload_class.
 *
 * Text is split into pieces in one pass: each variable piece becomes a marker, everything else
 * stays. Binary protocols have random fields (the random of a ClientHello, the ID of a DNS query, a
 * cookie). For a protocol that app recognised, the significant fields are taken instead of the
 * bytes. The result is hashed with SipHash-2-4-128 under a fixed, public key; only equality
 * matters.
 */
#ifndef CLASS_CLASS_H
#define CLASS_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/msg.h"

#define CLASS_VERSION 1
#define CLASS_MAX_INPUT \
	(16u << 10)   /* bytes that count; a longer payload differs from one of this length */
#define CLASS_TEXT 36 /* "1:", 32 hex digits, NUL, rounded up */

/* class_of: writes "VERSION:HEX" with NUL to out. rec is the result of app_recognise, or NULL if
 * nothing was recognised. An empty payload has no class: out becomes "". */
void class_of(struct bytes payload, const struct msg_analysis *rec, char out[CLASS_TEXT]);

/* Markers in the normalised form: bytes that UTF-8 never has. */
enum { CLASS_NUMBER = 0xf5, CLASS_TOKEN = 0xf6, CLASS_HOST = 0xf7 };

/* class_normal: writes the normalised form of text to out, which has room for in.n bytes, and
 * returns its length. */
size_t class_normal(struct bytes in, uint8_t *out);

/* class_fields: writes the normalised form of a recognised binary protocol to out and returns its
 * length, or 0 if the class of rec->app follows from the bytes. What exceeds max bytes is dropped.
 * */
size_t class_fields(const struct msg_analysis *rec, uint8_t *out, size_t max);

#endif
