#include "pkt/flowid.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

void flowid(const char *sensor, uint64_t packet_index, const char *key, char out[FLOWID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	/* Fetched once a thread: it costs more than the hashing. */
	static _Thread_local EVP_MD_CTX *ctx;
	static _Thread_local EVP_MD *md;
	unsigned char digest[32];
	char number[24];

	out[0] = 0;
	if (!ctx)
		ctx = EVP_MD_CTX_new();
	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	int n = snprintf(number, sizeof number, "%" PRIu64, packet_index);
	if (!ctx || !md || !EVP_DigestInit_ex2(ctx, md, NULL) ||
	    !EVP_DigestUpdate(ctx, sensor, strlen(sensor) + 1) ||
	    !EVP_DigestUpdate(ctx, number, (size_t)n + 1) ||
	    !EVP_DigestUpdate(ctx, key, strlen(key)) || !EVP_DigestFinal_ex(ctx, digest, NULL))
		return;
	for (unsigned i = 0; i < 16; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[32] = 0;
}
