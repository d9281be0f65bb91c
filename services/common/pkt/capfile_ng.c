/*
 * capfile_ng: the pcapng format (draft-ietf-opsawg-pcapng).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pkt/capfile_own.h"

/* A file with more interfaces in a section is reported as broken. */
#define MAX_INTERFACES 65536

enum { NG_IDB = 1, NG_PB = 2, NG_SPB = 3, NG_EPB = 6 };

/* No block but a packet's is held in memory, yet a larger one is surely broken. */
#define NG_MAX_BLOCK (1u << 30)

/* A Section Header Block gives the byte order; interfaces are numbered anew. */
int capfile_ng_begin(struct capfile *c)
{
	if (!capsource_peek(&c->src, 28))
		return capfile_end_with(c, "section header cut off");
	uint32_t order;
	memcpy(&order, capsource_at(&c->src) + 8, sizeof order);
	if (order != 0x1a2b3c4d && order != 0x4d3c2b1a)
		return capfile_end_with(c, "section header without byte-order magic");
	c->swapped = order != 0x1a2b3c4d;
	const uint8_t *h = capsource_at(&c->src);
	if (capfile_get16(c, h + 12) != 1)
		return capfile_end_with(c, "unknown pcapng version");
	uint32_t len = capfile_get32(c, h + 4);
	if (len < 28 || len % 4 || len > NG_MAX_BLOCK)
		return capfile_end_with(c, "impossible section header length");
	c->nifs = 0;
	if (!capsource_skip(&c->src, len))
		return capfile_end_with(c, "section header cut off");
	return 0;
}

/* ng_if_options: timestamp resolution (9) and offset (14) of an interface. */
static void ng_if_options(const struct capfile *c, const uint8_t *p, size_t n,
			  struct capfile_interface *ifc)
{
	while (n >= 4) {
		uint16_t code = capfile_get16(c, p);
		size_t len = capfile_get16(c, p + 2), padded = (len + 3) & ~(size_t)3;
		if (!code || padded > n - 4)
			return;
		const uint8_t *v = p + 4;
		if (code == 9 && len >= 1) {
			unsigned exp = v[0] & 0x7f;
			uint64_t units = 1;
			if (v[0] & 0x80) {
				units = exp < 64 ? (uint64_t)1 << exp : 0;
			} else {
				for (unsigned i = 0; i < exp && units; i++)
					units = units <= UINT64_MAX / 10 ? units * 10 : 0;
			}
			ifc->units_per_s = units;
		} else if (code == 14 && len >= 8) {
			uint32_t a = capfile_get32(c, v), b = capfile_get32(c, v + 4);
			ifc->offset_s = c->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
						? (int64_t)((uint64_t)a << 32 | b)
						: (int64_t)((uint64_t)b << 32 | a);
		}
		p += 4 + padded;
		n -= 4 + padded;
	}
}

static int ng_interface(struct capfile *c, uint32_t len)
{
	/* Options beyond this are not for us. */
	uint32_t look = len < 4096 ? len : 4096;

	if (len < 20 || !capsource_peek(&c->src, look))
		return capfile_end_with(c, "interface description cut off");
	if (c->nifs == MAX_INTERFACES)
		return capfile_end_with(c, "too many interfaces");
	if (c->nifs == c->ifs_cap) {
		size_t cap = c->ifs_cap ? c->ifs_cap * 2 : 4;
		struct capfile_interface *grown = realloc(c->ifs, cap * sizeof *grown);
		if (!grown) {
			c->ended = -ENOMEM;
			return c->ended;
		}
		c->ifs = grown;
		c->ifs_cap = cap;
	}
	const uint8_t *h = capsource_at(&c->src);
	struct capfile_interface *ifc = &c->ifs[c->nifs++];
	*ifc = (struct capfile_interface){.linktype = capfile_get16(c, h + 8),
					  .snaplen = capfile_get32(c, h + 12),
					  .units_per_s = 1000000};
	/* Without the trailing length; of a longer block, as far as it is looked at. */
	ng_if_options(c, h + 16, (look < len ? look : len - 4) - 16, ifc);
	if (!capsource_skip(&c->src, len))
		return capfile_end_with(c, "interface description cut off");
	return 0;
}

static void ng_set_time(const struct capfile_interface *ifc, uint64_t ts,
			struct capfile_packet *out)
{
	__extension__ typedef __int128 i128;

	out->ts_ns = 0;
	out->ts_wraps = 0;
	if (!ifc->units_per_s)
		return;
	i128 ns = (i128)ts * NS_PER_S / (i128)ifc->units_per_s + (i128)ifc->offset_s * NS_PER_S;
	if (ns < 0)
		return;
	out->ts_ns = (uint64_t)ns;
	out->ts_wraps = (uint32_t)(ns >> 64);
}

/* ng_packet: hands out the packet at the given offset of the block and remembers what of the block
 * follows. 1, 0 when there is none to hand out, or -errno. */
static int ng_packet(struct capfile *c, uint32_t block, uint32_t at, uint32_t caplen, uint32_t len,
		     uint64_t ts, uint32_t ifindex, struct capfile_packet *out)
{
	if (ifindex >= c->nifs) {
		c->strays++;
		c->skip = block;
		return 0;
	}
	if (caplen > CAPFILE_MAX_PACKET || caplen > block - at - 4)
		return capfile_end_with(c, "impossible packet length");
	if (!capsource_peek(&c->src, at + caplen))
		return capfile_end_with(c, "packet cut off");
	const struct capfile_interface *ifc = &c->ifs[ifindex];
	ng_set_time(ifc, ts, out);
	out->caplen = caplen;
	out->len = len < caplen ? caplen : len;
	out->linktype = ifc->linktype;
	out->data = capsource_at(&c->src) + at;
	out->place = CAPFILE_NOWHERE;
	/* The rest of the block goes with the next call: skipping could move the packet. */
	capsource_take(&c->src, at + caplen);
	c->skip = block - at - caplen;
	return 1;
}

int capfile_ng_next(struct capfile *c, struct capfile_packet *out)
{
	for (;;) {
		if (c->skip) {
			uint32_t n = c->skip;
			c->skip = 0;
			if (!capsource_skip(&c->src, n))
				return capfile_end_with(c, "block cut off");
		}
		if (!capsource_peek(&c->src, 12)) {
			if (!capsource_held(&c->src))
				return capfile_end_of_file(c);
			return capfile_end_with(c, "block header cut off");
		}
		const uint8_t *h = capsource_at(&c->src);
		uint32_t type = capfile_get32(c, h), len = capfile_get32(c, h + 4);
		int rc = 0;
		if (type == NG_SHB) {
			rc = capfile_ng_begin(c);
			if (rc)
				return rc;
			continue;
		}
		if (len < 12 || len % 4 || len > NG_MAX_BLOCK)
			return capfile_end_with(c, "impossible block length");
		switch (type) {
		case NG_IDB:
			rc = ng_interface(c, len);
			break;
		case NG_EPB:
		case NG_PB: {
			if (len < 32 || !capsource_peek(&c->src, 28))
				return capfile_end_with(c, "packet block cut off");
			h = capsource_at(&c->src);
			uint32_t ifindex =
				type == NG_EPB ? capfile_get32(c, h + 8) : capfile_get16(c, h + 8);
			uint64_t ts =
				(uint64_t)capfile_get32(c, h + 12) << 32 | capfile_get32(c, h + 16);
			rc = ng_packet(c, len, 28, capfile_get32(c, h + 20),
				       capfile_get32(c, h + 24), ts, ifindex, out);
			break;
		}
		case NG_SPB: {
			if (len < 16)
				return capfile_end_with(c, "packet block cut off");
			uint32_t caplen = capfile_get32(c, h + 8), orig = caplen;
			if (c->nifs && c->ifs[0].snaplen && caplen > c->ifs[0].snaplen)
				caplen = c->ifs[0].snaplen;
			if (caplen > len - 16)
				caplen = len - 16;
			rc = ng_packet(c, len, 12, caplen, orig, 0, 0, out);
			break;
		}
		default:
			if (!capsource_skip(&c->src, len))
				return capfile_end_with(c, "block cut off");
		}
		if (rc)
			return rc;
	}
}

bool capfile_ng_at_hand(const struct capfile *c)
{
	size_t held = capsource_held(&c->src);

	if (held < c->skip || held - c->skip < 12)
		return false;
	const uint8_t *h = capsource_at(&c->src) + c->skip;
	uint32_t n = capfile_get32(c, h + 4);
	return capfile_get32(c, h) == NG_EPB && n >= 32 && n <= held - c->skip &&
	       capfile_get32(c, h + 8) < c->nifs;
}
