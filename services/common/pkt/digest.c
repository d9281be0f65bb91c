/* Deprecated since 3.0, whose replacement looks up what to do at each call. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "pkt/digest.h"

#include <openssl/sha.h>

void digest_sha256(const struct digest_part *part, size_t n, uint8_t out[32])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < n; i++)
		SHA256_Update(&ctx, part[i].p, part[i].n);
	SHA256_Final(out, &ctx);
}

void digest_sha1(const void *p, size_t n, uint8_t out[20])
{
	SHA_CTX ctx;

	SHA1_Init(&ctx);
	SHA1_Update(&ctx, p, n);
	SHA1_Final(out, &ctx);
}

void digest_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = 0;
}
