/*
 * pat_mix: a hash of two numbers.
 */
#ifndef LOGPTN_LIB_PAT_PAT_MIX_H
#define LOGPTN_LIB_PAT_PAT_MIX_H

#include <stdint.h>

/* pat_mix: the hash of a at position b; sums of these are hashes of sequences. */
static inline uint64_t pat_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a ^ (b * UINT64_C(0x9e3779b97f4a7c15));

	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

#endif
