/*
 * frame: packets for tests, put together from the outside in.
 */
#ifndef TEST_PKT_FRAME_H
#define TEST_PKT_FRAME_H

#include <stdint.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/cksum.h"
#include "pkt/pkt.h"

struct frame {
	uint8_t b[4096];
	uint32_t n;
};

static inline uint32_t put(struct frame *f, const void *p, uint32_t n)
{
	uint32_t at = f->n;
	memcpy(f->b + at, p, n);
	f->n += n;
	return at;
}

static inline void ether(struct frame *f, uint16_t type)
{
	put(f, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	put_be16(f->b + f->n, type);
	f->n += 2;
}

/* ip4: a header for payload bytes to follow; 192.0.2.1 → 198.51.100.2. Returns its offset. */
static inline uint32_t ip4(struct frame *f, uint8_t proto, uint16_t payload)
{
	static const uint8_t h[20] = {0x45, 0, 0,   0, 0x12, 0x34, 0,   0,  64,  0,
				      0,    0, 192, 0, 2,    1,    198, 51, 100, 2};
	uint32_t at = put(f, h, sizeof h);
	put_be16(f->b + at + 2, (uint16_t)(20 + payload));
	f->b[at + 9] = proto;
	return at;
}

/* ip6: 2001:db8::1 → 2001:db8::2. */
static inline uint32_t ip6(struct frame *f, uint8_t next, uint16_t payload)
{
	uint8_t h[40] = {0x60, 0, 0, 0, 0, 0, 0, 64, 0x20, 1, 0x0d, 0xb8};
	memcpy(h + 24, h + 8, 4);
	h[23] = 1;
	h[39] = 2;
	h[6] = next;
	put_be16(h + 4, payload);
	return put(f, h, sizeof h);
}

static inline uint32_t tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq,
			   uint8_t flags)
{
	uint8_t h[20] = {0};
	put_be16(h, sport);
	put_be16(h + 2, dport);
	put_be32(h + 4, seq);
	put_be32(h + 8, 77);
	h[12] = 0x50;
	h[13] = flags;
	put_be16(h + 14, 1024);
	return put(f, h, sizeof h);
}

static inline uint32_t udp(struct frame *f, uint16_t sport, uint16_t dport, uint16_t len)
{
	uint8_t h[8] = {0};
	put_be16(h, sport);
	put_be16(h + 2, dport);
	put_be16(h + 4, len);
	return put(f, h, sizeof h);
}

static inline struct pkt decode(int link, const struct frame *f)
{
	struct pkt p = {0};
	pkt_decode(link, f->b, f->n, f->n, &p);
	return p;
}

/* seal: the right checksum for the transport header at at of a packet from src to dst. */
static inline void seal(struct frame *f, const struct pkt *p, uint32_t field)
{
	uint8_t *l4 = f->b + p->l4_off;
	memset(l4 + field, 0, 2);
	uint16_t sum = cksum_fold(
		cksum_add(cksum_pseudo(&p->src, &p->dst, p->proto, p->l4_len), l4, p->l4_len));
	memcpy(l4 + field, &sum, 2);
}

#endif
