/*
 * hash: a fast keyed hash of an address, for tables whose places nobody outside ever sees.
 *
 * Two folded 64x64 multiplications under a secret key (the mixing step of wyhash). What goes on the
 * wire is made with SipHash instead (cookie.h).
 */
#ifndef RESPONDER_HASH_H
#define RESPONDER_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pkt/addr.h"

struct hash_key {
	uint64_t k[2];
};

static inline struct hash_key hash_key(const uint8_t bytes[16])
{
	struct hash_key key;

	memcpy(key.k, bytes, 16);
	return key;
}

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* hash_addr: the first n bytes of a; extra keeps apart what else shares a table. */
static inline uint64_t hash_addr(const struct hash_key *key, const struct addr *a, size_t n,
				 uint64_t extra)
{
	uint64_t w[2] = {0, 0};

	memcpy(w, a->b, n);
	/* The constants keep a factor from being zero under a poor key. */
	w[0] = hash_fold(w[0] ^ key->k[0] ^ UINT64_C(0xd6e8feb86659fd93),
			 w[1] ^ key->k[1] ^ UINT64_C(0xa0761d6478bd642f));
	return hash_fold(w[0] ^ key->k[1],
			 (extra << 8 | a->family) ^ key->k[0] ^ UINT64_C(0x9e3779b97f4a7c15));
}

#endif
