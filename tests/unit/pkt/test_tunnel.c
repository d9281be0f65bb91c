#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "frame.h"

static void inner_segment(struct frame *f)
{
	ip4(f, 6, 24);
	tcp(f, 1000, 80, 5, TCP_ACK);
	put(f, "data", 4);
}

static void finds(struct frame *f, enum pkt_tunnel kind)
{
	struct pkt p = decode(101, f), inner;
	cr_assert(eq(int, pkt_inner(&p, &inner), kind));
	cr_assert(eq(int, inner.stop, PKT_L4));
	cr_assert(eq(int, inner.dport, 80));
	cr_assert(eq(u32, inner.payload_len, 4));
	cr_assert(eq(int, memcmp(inner.payload, "data", 4), 0));
	cr_assert(eq(int, pkt_cksum(&inner), CKSUM_BAD));
	/* However the frame is cut, the inner packet lies inside it. */
	for (uint32_t n = 20; n < f->n; n++) {
		struct pkt cut = {0};
		pkt_decode(101, f->b, n, f->n, &cut);
		if (pkt_inner(&cut, &inner) != PKT_TUNNEL_NONE && inner.stop == PKT_L4)
			cr_assert(le(ptr, (void *)(inner.payload + inner.payload_len),
				     (void *)(f->b + n)));
	}
}

Test(tunnel, ip_in_ip)
{
	struct frame f = {0}, g = {0};
	ip4(&f, 4, 44);
	inner_segment(&f);
	finds(&f, PKT_TUNNEL_IPIP);
	ip6(&g, 4, 44);
	inner_segment(&g);
	finds(&g, PKT_TUNNEL_IPIP);
	struct frame empty = {0};
	ip4(&empty, 4, 0);
	struct pkt p = decode(101, &empty), inner;
	cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_NONE));
}

Test(tunnel, six_in_four)
{
	struct frame f = {0};
	ip4(&f, 41, 48);
	ip6(&f, 17, 8);
	udp(&f, 1, 2, 8);
	struct pkt p = decode(101, &f), inner;
	cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_IPIP));
	cr_assert(eq(int, inner.stop, PKT_L4));
	cr_assert(eq(int, inner.src.family, 6));
}

Test(tunnel, gre)
{
	static const struct {
		const char *head;
		uint16_t n;
		enum pkt_tunnel kind;
	} rows[] = {
		{"\0\0\10\0", 4, PKT_TUNNEL_GRE},
		{"\260\0\10\0\0\0\0\0\0\0\0\1\0\0\0\2", 16,
		 PKT_TUNNEL_GRE}, /* checksum, key, sequence */
		{"\60\201\210\13\0\60\0\1\0\0\0\1\0\0\0\1\377\3\0\41", 20,
		 PKT_TUNNEL_GRE}, /* version 1: PPP */
		{"\0\0\145\130\2\0\0\0\0\1\2\0\0\0\0\2\10\0", 18, PKT_TUNNEL_GRE}, /* Ethernet */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct frame f = {0};
		ip4(&f, 47, (uint16_t)(rows[i].n + 44));
		put(&f, rows[i].head, rows[i].n);
		inner_segment(&f);
		finds(&f, rows[i].kind);
	}
	static const struct {
		const char *head;
		uint16_t n;
	} none[] = {{"\100\0\10\0", 4},
		    {"\0\2\10\0", 4},
		    {"\0\0", 2},
		    {"\200\0\10\0", 4},
		    {"\0\0\10\0", 4}};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct frame f = {0};
		ip4(&f, 47, none[i].n);
		put(&f, none[i].head, none[i].n);
		struct pkt p = decode(101, &f), inner;
		cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_NONE), "row %zu", i);
	}
}

Test(tunnel, vxlan)
{
	struct frame f = {0};
	ip4(&f, 17, 8 + 8 + 14 + 44);
	udp(&f, 40000, 4789, 8 + 8 + 14 + 44);
	put(&f, "\10\0\0\0\0\0\1\0", 8);
	ether(&f, 0x0800);
	inner_segment(&f);
	finds(&f, PKT_TUNNEL_VXLAN);
	f.b[22] = 8472 >> 8, f.b[23] = 8472 & 0xff;
	finds(&f, PKT_TUNNEL_VXLAN);
	struct pkt p, inner;
	f.b[28] = 0; /* without the I flag it is something else */
	p = decode(101, &f);
	cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_NONE));
	f.b[28] = 8;
	f.b[23] = 0; /* another port */
	p = decode(101, &f);
	cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_NONE));
}

Test(tunnel, none_in_what_was_not_read)
{
	struct frame f = {0};
	ip4(&f, 4, 44);
	inner_segment(&f);
	f.b[6] = 0x20;
	struct pkt p = decode(101, &f), inner;
	cr_assert(eq(int, p.stop, PKT_FRAGMENT));
	cr_assert(eq(int, pkt_inner(&p, &inner), PKT_TUNNEL_NONE));
}
