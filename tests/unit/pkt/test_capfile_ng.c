/* capfile_ng: sections, interfaces, time stamps and blocks that are broken. */
#include <errno.h>

#include "capture_bytes.h"

/* A block: type, body (padded), lengths around it. */
static void block(struct bytes_out *o, uint32_t type, const struct bytes_out *body)
{
	uint32_t pad = (uint32_t)(-body->n & 3), total = (uint32_t)body->n + pad + 12;
	u32(o, type);
	u32(o, total);
	raw(o, body->b, body->n);
	raw(o, "\0\0\0", pad);
	u32(o, total);
}

static struct bytes_out *body_of(const struct bytes_out *o)
{
	struct bytes_out *b = new_out();
	b->swap = o->swap;
	return b;
}

static void shb(struct bytes_out *o)
{
	struct bytes_out *b = body_of(o);
	u32(b, 0x1a2b3c4d);
	u16(b, 1);
	u16(b, 0);
	u32(b, 0xffffffff);
	u32(b, 0xffffffff);
	block(o, 0x0a0d0d0a, b);
	free(b);
}

static void idb(struct bytes_out *o, uint16_t link, uint32_t snaplen, int tsresol, int64_t offset)
{
	struct bytes_out *b = body_of(o);
	u16(b, link);
	u16(b, 0);
	u32(b, snaplen);
	u16(b, 2); /* an option that says nothing to us: the name */
	u16(b, 3);
	raw(b, "eth\0", 4);
	if (tsresol >= 0) {
		u16(b, 9);
		u16(b, 1);
		raw(b, (uint8_t[]){(uint8_t)tsresol, 0, 0, 0}, 4);
	}
	if (offset) {
		u16(b, 14);
		u16(b, 8);
		uint64_t v = o->swap ? __builtin_bswap64((uint64_t)offset) : (uint64_t)offset;
		raw(b, &v, 8);
	}
	u32(b, 0);
	block(o, 1, b);
	free(b);
}

static void epb(struct bytes_out *o, uint32_t ifindex, uint64_t ts, const char *data, bool obsolete)
{
	struct bytes_out *b = body_of(o);
	uint32_t n = (uint32_t)strlen(data);
	if (obsolete) {
		u16(b, (uint16_t)ifindex);
		u16(b, 0);
	} else {
		u32(b, ifindex);
	}
	u32(b, (uint32_t)(ts >> 32));
	u32(b, (uint32_t)ts);
	u32(b, n);
	u32(b, n + 1);
	raw(b, data, n);
	raw(b, "\0\0\0", -n & 3);
	u16(b, 1); /* a comment */
	u16(b, 4);
	raw(b, "hey!", 4);
	u32(b, 0);
	block(o, obsolete ? 2 : 6, b);
	free(b);
}

Test(pcapng, sections_interfaces_and_resolutions)
{
	for (int swap = 0; swap < 2; swap++) {
		struct bytes_out *o = new_out();
		o->swap = swap;
		shb(o);
		idb(o, 1, 0, -1, 0);     /* microseconds */
		idb(o, 113, 0, 9, 100);  /* nanoseconds, 100 s later */
		idb(o, 101, 0, 0x8a, 0); /* 1/1024 s */
		idb(o, 101, 0, 12, -1);  /* picoseconds, a second earlier */
		struct bytes_out *other = body_of(o);
		raw(other, "unknown block", 13);
		block(o, 0x0badf00d, other);
		free(other);
		epb(o, 0, 1700000000123456u, "abc", false);
		epb(o, 1, 1700000000123456789u, "abcd", false);
		epb(o, 2, 1024 + 512, "x", true);
		epb(o, 3, 2500000000000u, "y", false);
		o->swap = !swap; /* another section, in the other byte order */
		shb(o);
		idb(o, 228, 0, 6, 0);
		epb(o, 0, 7, "z", false);

		struct capfile *c = open_it(o);
		struct capfile_packet k;
		static const struct {
			uint64_t ns;
			int link;
			const char *data;
		} want[] = {{1700000000123456000u, 1, "abc"},
			    {1700000100123456789u, 113, "abcd"},
			    {1500000000, 101, "x"},
			    {1500000000, 101, "y"},
			    {7000, 228, "z"}};
		for (size_t i = 0; i < 5; i++) {
			cr_assert(eq(int, capfile_next(c, &k), 1), "%zu: %s", i, capfile_error(c));
			cr_assert(eq(u64, k.ts_ns, want[i].ns), "%zu", i);
			cr_assert(eq(u32, k.ts_wraps, 0));
			cr_assert(eq(int, k.linktype, want[i].link));
			cr_assert(eq(u32, k.caplen, strlen(want[i].data)));
			cr_assert(eq(u32, k.len, k.caplen + 1));
			cr_assert(eq(int, memcmp(k.data, want[i].data, k.caplen), 0));
		}
		cr_assert(eq(int, capfile_next(c, &k), 0));
		capfile_close(&c);
		/* Cut anywhere: good packets, then the end or a break, never anything else. */
		for (size_t n = 28; n < o->n; n++) {
			char err[200];
			if (capfile_open_memory(o->b, n, &c, err, sizeof err))
				continue;
			int rc, count = 0;
			while ((rc = capfile_next(c, &k)) == 1)
				count++;
			cr_assert(rc == 0 || rc == -EBADMSG);
			cr_assert(le(int, count, 5));
			capfile_close(&c);
		}
		free(o);
	}
}

Test(pcapng, times_beyond_64_bits_of_nanoseconds)
{
	struct bytes_out *o = new_out();
	shb(o);
	idb(o, 1, 0, 6, 0);
	idb(o, 1, 0, 0xff, 0);
	idb(o, 1, 0, 9, -100);
	epb(o, 0, 18446744073204131122u, "a", false); /* microseconds */
	epb(o, 1, 5, "b", false);                     /* a resolution that is none */
	epb(o, 2, 5, "c", false);                     /* before 1970 */
	struct capfile *c = open_it(o);
	struct capfile_packet k;
	cr_assert(eq(int, capfile_next(c, &k), 1));
	__extension__ typedef unsigned __int128 u128;
	u128 ns = (u128)k.ts_wraps << 64 | k.ts_ns;
	cr_assert(ns == (u128)18446744073204131122u * 1000);
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(u64, k.ts_ns, 0));
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(u64, k.ts_ns, 0));
	cr_assert(eq(u32, k.ts_wraps, 0));
	capfile_close(&c);
	free(o);
}

Test(pcapng, simple_packets)
{
	struct bytes_out *o = new_out(), *b = new_out();
	shb(o);
	idb(o, 1, 2, -1, 0);
	u32(b, 5); /* on the wire; the snap length is 2 */
	raw(b, "ab", 2);
	block(o, 3, b);
	struct capfile *c = open_it(o);
	struct capfile_packet k;
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(u32, k.caplen, 2));
	cr_assert(eq(u32, k.len, 5));
	cr_assert(eq(u64, k.ts_ns, 0));
	cr_assert(eq(int, capfile_next(c, &k), 0));
	capfile_close(&c);
	free(o);
	free(b);
}

/* Of an interface that was not described: passed over, and the next ones are read. */
Test(pcapng, stray_packets)
{
	static const uint32_t types[] = {6, 2, 3};
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct bytes_out *o = new_out(), *stray = new_out(), *good = new_out();
		struct capfile_packet k;
		bool simple = types[i] == 3; /* of interface 0 */
		shb(o);
		for (uint32_t w = 0; w < 6; w++)
			u32(good, w == 3 || w == 4 ? 4 : w == 5 ? 0x64636261 : 0);
		if (!simple) {
			idb(o, 1, 0, -1, 0);
			block(o, 6, good);
		}
		u32(stray, simple ? 4 : 9);
		for (uint32_t w = 0; w < 5; w++)
			u32(stray, w == 2 || w == 3 ? 4 : 0);
		block(o, types[i], stray);
		if (simple)
			idb(o, 1, 0, -1, 0);
		block(o, 6, good);
		struct capfile *c = open_it(o);
		if (!simple)
			cr_assert(eq(int, capfile_next(c, &k), 1), "row %zu", i);
		cr_assert(not(capfile_at_hand(c)), "row %zu", i);
		cr_assert(eq(int, capfile_next(c, &k), 1), "row %zu", i);
		cr_assert(eq(u32, k.caplen, 4));
		cr_assert(eq(int, memcmp(k.data, "abcd", 4), 0));
		cr_assert(eq(int, capfile_next(c, &k), 0));
		cr_assert(eq(u64, capfile_strays(c), 1));
		capfile_close(&c);
		free(o);
		free(stray);
		free(good);
	}
}

Test(pcapng, broken_blocks)
{
	/* What is bent in which block, and how the first packet ends. */
	static const struct {
		uint32_t type, body[8], words;
	} rows[] = {
		{6, {0, 0, 0, CAPFILE_MAX_PACKET + 1, 0}, 5}, /* longer than any packet */
		{6, {0, 0, 0, 4, 4}, 5},                      /* longer than its block */
		{6, {0, 0, 0}, 3},                            /* no room for its fields */
		{3, {0}, 0},
		{1, {1}, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes_out *o = new_out(), *b = new_out();
		shb(o);
		idb(o, 1, 0, -1, 0);
		for (uint32_t w = 0; w < rows[i].words; w++)
			u32(b, rows[i].body[w]);
		block(o, rows[i].type, b);
		struct capfile *c = open_it(o);
		struct capfile_packet k;
		cr_assert(eq(int, capfile_next(c, &k), -EBADMSG), "row %zu", i);
		cr_assert(ne(str, (char *)capfile_error(c), (char *)""));
		capfile_close(&c);
		free(o);
		free(b);
	}
	static const uint32_t lengths[] = {0, 8, 13, 0xfffffffc};
	for (size_t i = 0; i < 4; i++) {
		struct bytes_out *o = new_out();
		shb(o);
		u32(o, 5);
		u32(o, lengths[i]);
		u32(o, 0);
		struct capfile *c = open_it(o);
		struct capfile_packet k;
		cr_assert(eq(int, capfile_next(c, &k), -EBADMSG), "row %zu", i);
		capfile_close(&c);
		free(o);
	}
	/* Of the section header: version, length, byte-order magic. */
	static const struct {
		size_t at;
		uint8_t v;
	} bends[] = {{12, 9}, {4, 27}, {4, 12}, {8, 0}};
	for (size_t i = 0; i < 4; i++) {
		struct bytes_out *o = new_out();
		struct capfile *c;
		char err[200];
		shb(o);
		o->b[bends[i].at] = bends[i].v;
		cr_assert(eq(int, capfile_open_memory(o->b, o->n, &c, err, sizeof err), -EBADMSG),
			  "row %zu", i);
		free(o);
	}
}
