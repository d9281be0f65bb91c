/*
 * digest: SHA-1 and SHA-256 of short inputs. For those, OpenSSL's EVP interface costs twice as much
 * as the digest itself, so its older one, without allocations, is used.
 */
#ifndef PKT_DIGEST_H
#define PKT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest_part {
	const void *p;
	size_t n;
};

/* digest_sha256: over the parts, one after another. */
void digest_sha256(const struct digest_part *part, size_t n, uint8_t out[32]);
void digest_sha1(const void *p, size_t n, uint8_t out[20]);

/* digest_hex: 2 * n lower-case hex digits and NUL. */
void digest_hex(const uint8_t *p, size_t n, char *out);

#endif
