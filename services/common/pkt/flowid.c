#include "pkt/flowid.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

void flowid(const char *sensor, uint64_t packet_index, const char *key, char out[FLOWID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[SHA256_DIGEST_LENGTH];
	char text[512];
	size_t n = 0;

	/* Sensor names and keys are short; a longer one is cut here, the same way everywhere. */
	n += strnlen(sensor, 255);
	memcpy(text, sensor, n);
	text[n++] = '\0';
	n += (size_t)snprintf(text + n, 21, "%" PRIu64, packet_index) + 1;
	size_t k = strnlen(key, sizeof text - n);
	memcpy(text + n, key, k);
	SHA256((const unsigned char *)text, n + k, md);
	for (int i = 0; i < 16; i++) {
		out[2 * i] = digits[md[i] >> 4];
		out[2 * i + 1] = digits[md[i] & 15];
	}
	out[32] = '\0';
}
