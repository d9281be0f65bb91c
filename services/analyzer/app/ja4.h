/*
 * ja4: the JA4 TLS client fingerprint (FoxIO, BSD 3-Clause; technical_details/JA4.md of
 * FoxIO-LLC/ja4).
 */
#ifndef APP_JA4_H
#define APP_JA4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* More of one list than this and there is no fingerprint. */
#define JA4_MAX_LIST 1024
#define JA4_TEXT     40 /* 10 + 1 + 12 + 1 + 12, NUL, rounded up */

/* What the fingerprint is made of, in the order of the ClientHello, GREASE values included. */
struct ja4_hello {
	char transport;          /* t: TLS over TCP, d: DTLS, q: QUIC */
	uint16_t legacy_version; /* of the ClientHello, not of the record */
	bool has_versions;       /* supported_versions (43) came */
	const uint16_t *versions, *ciphers, *extensions, *sigalgs;
	size_t nversions, nciphers, nextensions, nsigalgs;
	struct bytes alpn; /* first value; absent or empty: none */
};

/* ja4_grease: a value reserved to keep implementations tolerant (RFC 8701). */
static inline bool ja4_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* ja4_version: the version the fingerprint names: the highest offered. */
uint16_t ja4_version(const struct ja4_hello *h);

/* ja4_text: writes the fingerprint with its NUL to out. False when a list is longer than
 * JA4_MAX_LIST. */
bool ja4_text(const struct ja4_hello *h, char out[JA4_TEXT]);

#endif
