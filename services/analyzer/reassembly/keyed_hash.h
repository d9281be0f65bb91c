/*
 * keyed_hash: a fast keyed hash for tables that one process fills from a file. Nobody can observe
 * its values or its timing, so a random key protects the buckets well enough. Code that can be
 * probed over the network uses siphash24.
 *
 * Each step multiplies two keyed words to 128 bits and folds them, so every bit of the input
 * reaches every bit of the result.
 */
#ifndef ANALYZER_KEYED_HASH_H
#define ANALYZER_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t keyed_hash_word(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint64_t keyed_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 u128;
	u128 v = (u128)a * b;
	return (uint64_t)v ^ (uint64_t)(v >> 64);
}

/* keyed_hash: the hash of n bytes. */
static inline uint64_t keyed_hash(const uint8_t *p, size_t n, const uint8_t key[16])
{
	uint64_t k0 = keyed_hash_word(key), k1 = keyed_hash_word(key + 8);
	uint64_t a = k0 ^ n, b = k1;
	uint8_t last[32] = {0};

	for (; n > sizeof last; n -= sizeof last, p += sizeof last) {
		a = keyed_hash_fold(a ^ keyed_hash_word(p), k1 ^ keyed_hash_word(p + 8)) + k0;
		b = keyed_hash_fold(b ^ keyed_hash_word(p + 16), k0 ^ keyed_hash_word(p + 24)) + k1;
	}
	if (n)
		memcpy(last, p, n);
	a = keyed_hash_fold(a ^ keyed_hash_word(last), k1 ^ keyed_hash_word(last + 8));
	b = keyed_hash_fold(b ^ keyed_hash_word(last + 16), k0 ^ keyed_hash_word(last + 24));
	return keyed_hash_fold(a ^ k0, b ^ k1);
}

#endif
