/*
 * cksum: the Internet checksum (RFC 1071), its incremental update (RFC 1624), and the
 * possible results of checking a received TCP, UDP or ICMP checksum (pkt_cksum).
 */
#ifndef PKT_CKSUM_H
#define PKT_CKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"

/* cksum_add: adds n bytes to a running one's complement sum (start with 0). Chain only at even
 * lengths. */
uint64_t cksum_add(uint64_t sum, const void *data, size_t n);
/* cksum_fold: the checksum, as the 16 bits to store in network byte order with memcpy. */
uint16_t cksum_fold(uint64_t sum);
/* cksum_pseudo: the sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1) for len bytes of
 * proto. */
uint64_t cksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t len);
/* cksum_update16/32: the checksum field after a field at an even offset changed (RFC 1624, eqn. 3);
 * all values as read from the wire with memcpy. */
uint16_t cksum_update16(uint16_t sum, uint16_t old_be, uint16_t new_be);
uint16_t cksum_update32(uint16_t sum, uint32_t old_be, uint32_t new_be);

enum cksum_state {
	CKSUM_OK,      /* correct */
	CKSUM_PARTIAL, /* the bare pseudo-header sum that transmit offload leaves: accepted */
	CKSUM_NONE,    /* UDP over IPv4 with 0, i.e. not computed by the sender: accepted */
	/* the snap length cut the segment off, or it is a fragment: cannot be checked */
	CKSUM_UNKNOWN,
	CKSUM_BAD,
};

#endif
