/*
 * capture_bytes: the bytes of capture files, in either byte order, for tests of capfile.
 */
#ifndef TESTS_CAPTURE_BYTES_H
#define TESTS_CAPTURE_BYTES_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/capfile.h"

struct bytes_out {
	uint8_t b[1 << 20];
	size_t n;
	bool swap;
};

static inline void raw(struct bytes_out *o, const void *p, size_t n)
{
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static inline void u32(struct bytes_out *o, uint32_t v)
{
	if (o->swap)
		v = __builtin_bswap32(v);
	raw(o, &v, 4);
}

static inline void u16(struct bytes_out *o, uint16_t v)
{
	if (o->swap)
		v = __builtin_bswap16(v);
	raw(o, &v, 2);
}

static inline struct bytes_out *new_out(void)
{
	return calloc(1, sizeof(struct bytes_out));
}

static inline void pcap_header(struct bytes_out *o, uint32_t magic, uint16_t major, uint16_t minor,
			       uint32_t link)
{
	u32(o, magic);
	u16(o, major);
	u16(o, minor);
	u32(o, 0);
	u32(o, 0);
	u32(o, 65535);
	u32(o, link);
}

static inline struct capfile *open_it(const struct bytes_out *o)
{
	struct capfile *c;
	char err[200] = "";
	cr_assert(eq(int, capfile_open_memory(o->b, o->n, &c, err, sizeof err), 0), "%s", err);
	return c;
}

#endif
