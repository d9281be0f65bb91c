#include "pkt/cksum.h"

#include <string.h>

uint64_t cksum_add(uint64_t sum, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t high = 0;

	/* One's complement sums do not care about the width they are taken in (RFC 1071, 2(C)): add
	 * 32-bit words into 64 bits, which has room for 4 GiB of them. */
	for (; n >= 16; n -= 16, p += 16) {
		uint32_t w[4];
		memcpy(w, p, sizeof w);
		sum += (uint64_t)w[0] + w[1];
		high += (uint64_t)w[2] + w[3];
	}
	sum += high;
	if (n & 8) {
		uint32_t w[2];
		memcpy(w, p, sizeof w);
		sum += (uint64_t)w[0] + w[1];
		p += 8;
	}
	if (n & 4) {
		uint32_t w;
		memcpy(&w, p, sizeof w);
		sum += w;
		p += 4;
	}
	if (n & 2) {
		uint16_t w;
		memcpy(&w, p, sizeof w);
		sum += w;
		p += 2;
	}
	if (n & 1) {
		uint8_t last[2] = {*p, 0};
		uint16_t w;
		memcpy(&w, last, sizeof w);
		sum += w;
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffffu);
	sum = (sum >> 32) + (sum & 0xffffffffu);
	sum = (sum >> 16) + (sum & 0xffffu);
	sum = (sum >> 16) + (sum & 0xffffu);
	return (uint16_t)sum;
}

uint16_t cksum_fold(uint64_t sum)
{
	return (uint16_t)~fold(sum);
}

uint64_t cksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t len)
{
	size_t n = src->family == 4 ? 4 : 16;
	/* Upper half of the length, lower half, zero, protocol: for IPv4 the upper half is zero and
	 * adds nothing, so one layout serves both. */
	uint8_t tail[8] = {(uint8_t)(len >> 24),
			   (uint8_t)(len >> 16),
			   (uint8_t)(len >> 8),
			   (uint8_t)len,
			   0,
			   0,
			   0,
			   proto};

	return cksum_add(cksum_add(cksum_add(0, src->b, n), dst->b, n), tail, sizeof tail);
}

uint16_t cksum_update16(uint16_t sum, uint16_t old_be, uint16_t new_be)
{
	/* RFC 1624, eqn. 3: HC' = ~(~HC + ~m + m') */
	return (uint16_t)~fold((uint64_t)(uint16_t)~sum + (uint16_t)~old_be + new_be);
}

uint16_t cksum_update32(uint16_t sum, uint32_t old_be, uint32_t new_be)
{
	sum = cksum_update16(sum, (uint16_t)old_be, (uint16_t)new_be);
	return cksum_update16(sum, (uint16_t)(old_be >> 16), (uint16_t)(new_be >> 16));
}
