#include "pkt/flowid.h"

#include <string.h>

#include "pkt/digest.h"

void flowid(const char *sensor, uint64_t packet_index, const char *key, char out[FLOWID_TEXT])
{
	char number[24], *end = number + sizeof number, *p = end;
	uint8_t digest[32];

	*--p = 0;
	do {
		*--p = (char)('0' + packet_index % 10);
		packet_index /= 10;
	} while (packet_index);
	digest_sha256((const struct digest_part[]){{sensor, strlen(sensor) + 1},
						   {p, (size_t)(end - p)},
						   {key, strlen(key)}},
		      3, digest);
	digest_hex(digest, (FLOWID_TEXT - 1) / 2, out);
}
