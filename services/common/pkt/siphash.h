/*
 * siphash: SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed hash for short inputs.
 */
#ifndef PKT_SIPHASH_H
#define PKT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const void *data, size_t n, const uint8_t key[16]);

#endif
