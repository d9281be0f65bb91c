#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "frame.h"

/* The sum as RFC 1071 defines it, 16 bits at a time. */
static uint16_t slow(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

Test(cksum, example_of_rfc_1071)
{
	static const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t got = cksum_fold(cksum_add(0, b, sizeof b));
	cr_assert(eq(int, be16((const uint8_t *)&got), 0xffff ^ 0xddf2));
}

Test(cksum, any_length_and_content)
{
	uint8_t b[200];
	uint32_t r = 1;
	for (size_t n = 0; n <= sizeof b; n++) {
		for (size_t i = 0; i < n; i++) {
			r = r * 1103515245 + 12345;
			b[i] = n % 3 ? (uint8_t)(r >> 16) : 0xff;
		}
		uint16_t got = cksum_fold(cksum_add(0, b, n));
		cr_assert(eq(int, be16((const uint8_t *)&got), slow(b, n)), "%zu", n);
		uint16_t in_two =
			cksum_fold(cksum_add(cksum_add(0, b, n / 2 & ~(size_t)1),
					     b + (n / 2 & ~(size_t)1), n - (n / 2 & ~(size_t)1)));
		cr_assert(eq(int, in_two, got));
	}
}

Test(cksum, update_equals_computing_anew)
{
	uint8_t b[40];
	uint32_t r = 7;
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof b; i++) {
			r = r * 1103515245 + 12345;
			b[i] = round % 5 ? (uint8_t)(r >> 16) : 0;
		}
		uint16_t sum = cksum_fold(cksum_add(0, b, sizeof b));
		uint32_t old32, new32 = r;
		memcpy(&old32, b + 8, 4);
		memcpy(b + 8, &new32, 4);
		sum = cksum_update32(sum, old32, new32);
		uint16_t old16, new16 = (uint16_t)(r >> 7);
		memcpy(&old16, b + 20, 2);
		memcpy(b + 20, &new16, 2);
		sum = cksum_update16(sum, old16, new16);
		uint16_t want = cksum_fold(cksum_add(0, b, sizeof b));
		/* 0 and 0xffff are the same number. */
		cr_assert(want == sum || (uint16_t)(want + 1) <= 1, "%x %x", want, sum);
	}
}

static struct pkt tcp4(struct frame *f)
{
	*f = (struct frame){0};
	ether(f, 0x0800);
	ip4(f, 6, 20 + 5);
	tcp(f, 1, 2, 3, TCP_ACK);
	put(f, "hello", 5);
	return decode(1, f);
}

Test(cksum, judgement_on_tcp)
{
	struct frame f;
	struct pkt p = tcp4(&f);

	seal(&f, &p, 16);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));
	f.b[p.l4_off + 21] ^= 1;
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_BAD));
	uint16_t partial = cksum_fold(cksum_pseudo(&p.src, &p.dst, 6, p.l4_len)) ^ 0xffff;
	memcpy(f.b + p.l4_off + 16, &partial, 2);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_PARTIAL));
	p.summed = true;
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_BAD), "it came over a wire");
	p.summed = false;
	p = tcp4(&f);
	pkt_decode(1, f.b, f.n - 1, f.n, &p);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_UNKNOWN));
}

Test(cksum, judgement_on_udp)
{
	struct frame f = {0};
	ip4(&f, 17, 12);
	udp(&f, 1, 2, 12);
	put(&f, "abcd", 4);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_NONE));
	seal(&f, &p, 6);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));

	struct frame g = {0};
	ip6(&g, 17, 12);
	udp(&g, 1, 2, 12);
	put(&g, "abcd", 4);
	p = decode(101, &g);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_BAD)); /* RFC 8200 8.1 */
	seal(&g, &p, 6);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));
}

Test(cksum, judgement_on_icmp)
{
	struct frame f = {0};
	ip4(&f, 1, 8);
	put(&f, "\10\0\0\0\0\1\0\1", 8);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_BAD));
	uint16_t sum = cksum_fold(cksum_add(0, f.b + 20, 8));
	memcpy(f.b + 22, &sum, 2);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));

	struct frame g = {0};
	ip6(&g, 58, 8);
	put(&g, "\200\0\0\0\0\1\0\1", 8);
	p = decode(101, &g);
	seal(&g, &p, 2);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));

	struct frame h = {0};
	ip4(&h, 132, 12);
	put(&h, "\0\1\0\2\0\0\0\0\0\0\0\0", 12);
	p = decode(101, &h);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_UNKNOWN));
}

Test(cksum, source_route_hides_the_destination)
{
	/* Destination options, then a routing header with one segment left. */
	static const uint8_t dst[8] = {43, 0, 1, 4}, route[8] = {6, 0, 0, 1};
	struct frame f = {0};
	ip6(&f, 60, 8 + 8 + 20);
	put(&f, dst, 8);
	put(&f, route, 8);
	tcp(&f, 1, 2, 3, TCP_SYN);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_UNKNOWN));
	f.b[40 + 8 + 3] = 0;
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_BAD));
	seal(&f, &p, 16);
	cr_assert(eq(int, pkt_cksum(&p), CKSUM_OK));
}
