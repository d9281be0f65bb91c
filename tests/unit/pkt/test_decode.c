#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "frame.h"

/* A TCP segment with four bytes of payload behind whatever is in f. */
static void segment(struct frame *f)
{
	ip4(f, 6, 24);
	tcp(f, 1000, 80, 0x01020304, TCP_SYN | TCP_ACK);
	put(f, "data", 4);
}

static void is_segment(const struct pkt *p)
{
	cr_assert(eq(int, p->stop, PKT_L4));
	cr_assert(eq(int, p->proto, 6));
	cr_assert(eq(int, p->sport, 1000));
	cr_assert(eq(int, p->dport, 80));
	cr_assert(eq(u32, p->seq, 0x01020304));
	cr_assert(eq(u32, p->ack, 77));
	cr_assert(eq(int, p->flags, TCP_SYN | TCP_ACK));
	cr_assert(eq(int, p->win, 1024));
	cr_assert(eq(u32, p->payload_len, 4));
	cr_assert(eq(u32, p->payload_wire, 4));
	cr_assert(eq(int, memcmp(p->payload, "data", 4), 0));
}

Test(link, ethernet_with_padding)
{
	struct frame f = {0};
	ether(&f, 0x0800);
	segment(&f);
	put(&f, "PADDING!", 8);
	struct pkt p = decode(1, &f);
	is_segment(&p);
	cr_assert(eq(int, p.ttl, 64));
	cr_assert(eq(u32, p.ip_id, 0x1234));
	cr_assert(eq(u32, p.ip_len, 44));
	cr_assert(eq(int, p.mac_src[5], 2));
	cr_assert(eq(int, p.ethertype, 0x0800));
}

Test(link, tags)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100, 0x9200, 0x8100};
	for (size_t n = 1; n <= 5; n++) {
		struct frame f = {0};
		ether(&f, tpids[0]);
		for (size_t i = 0; i < n; i++) {
			put_be16(f.b + f.n, (uint16_t)(100 + i));
			put_be16(f.b + f.n + 2, i + 1 < n ? tpids[i + 1] : 0x0800);
			f.n += 4;
		}
		segment(&f);
		struct pkt p = decode(1, &f);
		is_segment(&p);
		cr_assert(eq(int, p.tags, n < PKT_MAX_TAGS ? (int)n : PKT_MAX_TAGS));
		cr_assert(eq(u32, p.tag[0], 0x81000000 + 100));
	}
	struct frame f = {0};
	ether(&f, 0x8100);
	put(&f, "\0\1", 2);
	cr_assert(eq(int, decode(1, &f).stop, PKT_BROKEN));
}

Test(link, others_that_carry_ip)
{
	static const struct {
		int link;
		const char *head;
		uint32_t n;
	} links[] = {
		{0, "\2\0\0\0", 4},
		{0, "\0\0\0\2", 4},
		{108, "\0\0\0\2", 4},
		{109, "\2\0\0\0\1\1\1\1\0\0\0\0", 12},
		{12, "", 0},
		{14, "", 0},
		{101, "", 0},
		{228, "", 0},
		{113, "\0\0\0\1\0\6\2\0\0\0\0\2\0\0\10\0", 16},
		{276, "\10\0\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\2\0\0", 20},
		{9, "\377\3\0\41", 4},
		{9, "\41", 1},
		{9, "\17\0\10\0", 4},
		{50, "\0\41", 2},
		{166, "\1\3\0\41", 4},
		{166, "\1\0\41", 3},
		{104, "\17\0\10\0", 4},
		{51, "\21\0\0\1\0\0\0\41", 8},
		/* PPPoE session in Ethernet, MPLS in Ethernet (two labels), in PPP, SNAP, LLC with
		 * IP's own SAP. */
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\210\144\21\0\0\1\0\0\0\41", 22},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\210\107\0\1\0\100\0\1\1\100", 22},
		{9, "\377\3\2\201\0\1\1\100", 8},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\0\64\252\252\3\0\0\0\10\0", 22},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\0\57\6\6\3", 17},
		{113, "\0\0\0\1\0\6\2\0\0\0\0\2\0\0\0\4\252\252\3\0\0\0\10\0", 24},
	};
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		struct frame f = {0};
		put(&f, links[i].head, links[i].n);
		segment(&f);
		struct pkt p = decode(links[i].link, &f);
		cr_assert(eq(int, p.stop, PKT_L4), "row %zu", i);
		is_segment(&p);
		/* Cut off anywhere it is not a segment any more, and nothing is read beyond. */
		for (uint32_t n = 1; n < links[i].n + 40; n++) {
			struct pkt cut = {0};
			pkt_decode(links[i].link, f.b, n, f.n, &cut);
			cr_assert(ne(int, cut.stop, PKT_L4), "row %zu at %u", i, n);
		}
	}
}

Test(link, addresses_of_cooked_captures)
{
	static const struct {
		int link;
		const char *head;
		uint32_t n;
		bool six;
	} rows[] = {
		{113, "\0\0\0\1\0\6\2\0\0\0\0\7\0\0\10\0", 16, true},
		{113, "\0\0\0\1\0\0\0\6\0\0\0\6\0\0\10\0", 16, false},
		{276, "\10\0\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\7\0\0", 20, true},
		{276, "\10\0\0\0\0\0\0\1\0\6\0\0\2\0\0\0\0\7\0\0", 20, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct frame f = {0};
		put(&f, rows[i].head, rows[i].n);
		segment(&f);
		struct pkt p = decode(rows[i].link, &f);
		cr_assert(eq(int, p.mac_src != NULL, rows[i].six), "row %zu", i);
		if (p.mac_src)
			cr_assert(eq(int, p.mac_src[5], 7));
	}
}

Test(link, families_of_ipv6)
{
	static const uint8_t families[] = {10, 23, 24, 28, 30};
	for (size_t i = 0; i < sizeof families; i++) {
		struct frame f = {0};
		put(&f, (uint8_t[]){families[i], 0, 0, 0}, 4);
		ip6(&f, 17, 8);
		udp(&f, 1, 2, 8);
		cr_assert(eq(int, decode(0, &f).stop, PKT_L4));
	}
}

Test(link, what_is_no_ip)
{
	static const struct {
		int link;
		const char *head;
		uint32_t n;
		enum pkt_stop stop;
	} links[] = {
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\10\6", 14, PKT_ARP},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\210\314", 14, PKT_OTHER_L3},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\0\3\102\102\3", 17, PKT_OTHER_L3},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\0\10\252\252\3\0\0\14\10\0", 22, PKT_OTHER_L3},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\0\10\252\252\3\0\0\0\0\5", 22, PKT_OTHER_L3},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\210\107\0\1\1\100\0\0\0\0", 22, PKT_OTHER_L3},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\210\144\21\11\0\1\0\0\0\0", 22, PKT_OTHER_L3},
		{51, "\21\0\0\1\0\0\300\41", 8, PKT_OTHER_L3},
		{0, "\7\0\0\0", 4, PKT_OTHER_L3},
		{113, "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\14", 16, PKT_OTHER_L3},
		{9999, "abcd", 4, PKT_LINK},
		{101, "\120", 1, PKT_BROKEN},
		{1, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0", 14, PKT_BROKEN},
	};
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		struct frame f = {0};
		put(&f, links[i].head, links[i].n);
		cr_assert(eq(int, decode(links[i].link, &f).stop, links[i].stop), "row %zu", i);
	}
	struct pkt p = {.ts_ns = 5};
	pkt_decode(1, NULL, 0, 0, &p);
	cr_assert(eq(int, p.stop, PKT_TICK));
	cr_assert(eq(u64, p.ts_ns, 5));
}

Test(ip4, headers_that_contradict_themselves)
{
	static const struct {
		uint32_t at;
		uint8_t value;
	} bends[] = {{0, 0x44}, {0, 0x4f}, {0, 0x55}, {3, 19}};
	for (size_t i = 0; i < sizeof bends / sizeof bends[0]; i++) {
		struct frame f = {0};
		uint32_t at = ip4(&f, 6, 20);
		tcp(&f, 1, 2, 3, 0);
		f.b[at + 2] = 0;
		f.b[at + 3] = 40;
		f.b[at + bends[i].at] = bends[i].value;
		cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN), "row %zu", i);
	}
}

Test(ip4, zero_length_is_the_frame)
{
	struct frame f = {0};
	ip4(&f, 6, 24);
	tcp(&f, 1, 2, 3, 0);
	put(&f, "data", 4);
	f.b[2] = f.b[3] = 0;
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(u32, p.payload_len, 4));
}

Test(ip4, options_flags_and_fragments)
{
	struct frame f = {0};
	ip4(&f, 6, 24);
	put(&f, "\1\1\1\0", 4);
	f.b[0] = 0x46;
	f.b[1] = 0xb8;
	f.b[6] = 0x40;
	tcp(&f, 1, 2, 3, 0);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, p.ip_hdr_len, 24));
	cr_assert(eq(int, p.tos, 0xb8));
	cr_assert(p.df);

	f.b[6] = 0x20;
	p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_FRAGMENT));
	cr_assert(p.mf);
	cr_assert(eq(u32, p.l4_len, 20));
	f.b[6] = 0x00;
	f.b[7] = 0x02;
	p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_FRAGMENT));
	cr_assert(eq(u32, p.frag_off, 16));
	cr_assert(not(p.truncated));
	pkt_decode(101, f.b, f.n - 1, f.n, &p);
	cr_assert(p.truncated);
}

Test(ip4, authentication_header)
{
	static const uint8_t ah[24] = {6, 4};
	struct frame f = {0};
	ip4(&f, 51, 24 + 20);
	put(&f, ah, sizeof ah);
	tcp(&f, 1, 2, 3, 0);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, p.dport, 2));
	f.b[21] = 200;
	cr_assert(eq(int, decode(101, &f).stop, PKT_IP));
	f.n = 25;
	cr_assert(eq(int, decode(101, &f).stop, PKT_IP));
}

Test(ip6, extension_headers)
{
	/* Hop-by-hop, destination options of 16 bytes, authentication, mobility. */
	static const uint8_t hop[8] = {60}, dst[16] = {51, 1}, ah[12] = {135, 1}, mob[8] = {17};
	struct frame f = {0};
	ip6(&f, 0, 8 + 16 + 12 + 8 + 10);
	put(&f, hop, 8);
	put(&f, dst, 16);
	put(&f, ah, 12);
	put(&f, mob, 8);
	udp(&f, 5, 6, 10);
	put(&f, "xy", 2);
	put(&f, "padding", 7);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, p.proto, 17));
	cr_assert(eq(int, p.ip_hdr_len, 84));
	cr_assert(eq(u32, p.payload_len, 2));
	cr_assert(eq(int, p.src.family, 6));
	cr_assert(eq(int, p.dst.b[15], 2));
	/* Cut off inside them, or with a length that runs out of the packet, IP never ended. */
	for (uint32_t n = 41; n < 84; n++) {
		struct pkt cut = {0};
		pkt_decode(101, f.b, n, f.n, &cut);
		cr_assert(ne(int, cut.stop, PKT_L4), "%u", n);
	}
	f.b[49] = 40;
	cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN));
}

Test(ip6, a_chain_without_end)
{
	static const uint8_t hop[8] = {0};
	struct frame f = {0};
	ip6(&f, 0, 400);
	for (int i = 0; i < 50; i++)
		put(&f, hop, 8);
	cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN));
}

Test(ip6, fragments)
{
	static const uint8_t frag[8] = {6, 0, 0, 9, 0, 0, 0, 42};
	struct frame f = {0};
	ip6(&f, 44, 8 + 24);
	put(&f, frag, 8);
	tcp(&f, 1, 2, 3, 0);
	put(&f, "data", 4);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_FRAGMENT));
	cr_assert(eq(u32, p.frag_off, 8));
	cr_assert(p.mf);
	cr_assert(eq(u32, p.ip_id, 42));
	cr_assert(eq(int, p.proto, 6));
	cr_assert(eq(u32, p.l4_len, 24));
	/* The whole in one fragment is none (RFC 6946). */
	f.b[43] = 0;
	p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(u32, p.payload_len, 4));
	f.n = 46;
	cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN));
}

Test(ip6, jumbogram_and_nothing)
{
	static const uint8_t hop[8] = {6};
	struct frame f = {0};
	ip6(&f, 0, 0);
	put(&f, hop, 8);
	tcp(&f, 1, 2, 3, 0);
	put(&f, "data", 4);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(u32, p.payload_len, 4));
	struct frame g = {0};
	ip6(&g, 59, 0);
	put(&g, "padding", 7);
	p = decode(101, &g);
	cr_assert(eq(int, p.stop, PKT_IP));
	cr_assert(eq(u32, p.l4_len, 0));
}

Test(l4, tcp_header_lengths)
{
	struct frame f = {0};
	ip4(&f, 6, 24);
	tcp(&f, 1, 2, 3, 0);
	put(&f, "\2\4\5\264", 4);
	f.b[32] = 0x60;
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, p.opt_len, 4));
	cr_assert(eq(u32, p.payload_len, 0));
	f.b[32] = 0x40; /* shorter than a header */
	cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN));
	f.b[32] = 0x70; /* longer than the packet */
	cr_assert(eq(int, decode(101, &f).stop, PKT_BROKEN));
	f.b[32] = 0x60; /* options cut off by the snap length */
	struct pkt cut = {0};
	pkt_decode(101, f.b, f.n - 2, f.n, &cut);
	cr_assert(eq(int, cut.stop, PKT_IP));
}

Test(l4, snap_length)
{
	struct frame f = {0};
	segment(&f);
	struct pkt p = {0};
	pkt_decode(101, f.b, f.n - 3, f.n, &p);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(p.truncated);
	cr_assert(eq(u32, p.payload_len, 1));
	cr_assert(eq(u32, p.payload_wire, 4));
}

Test(l4, udp_lengths)
{
	static const struct {
		uint16_t len;
		enum pkt_stop stop;
		uint32_t payload;
	} rows[] = {{12, PKT_L4, 4}, {10, PKT_L4, 2},  {8, PKT_L4, 0},
		    {0, PKT_L4, 4},  {500, PKT_L4, 4}, {7, PKT_BROKEN, 0}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct frame f = {0};
		ip4(&f, 17, 12);
		udp(&f, 53, 9, rows[i].len);
		put(&f, "abcd", 4);
		struct pkt p = decode(101, &f);
		cr_assert(eq(int, p.stop, rows[i].stop), "row %zu", i);
		cr_assert(eq(u32, p.payload_len, rows[i].payload), "row %zu", i);
	}
}

Test(l4, icmp_sctp_and_the_rest)
{
	struct frame f = {0};
	ip4(&f, 1, 10);
	put(&f, "\3\1\0\0\0\0\0\0ab", 10);
	struct pkt p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_L4));
	cr_assert(eq(int, p.sport, 3));
	cr_assert(eq(int, p.dport, 1));
	cr_assert(eq(u32, p.payload_len, 2));
	f.b[9] = 132;
	f.b[3] = 30;
	p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_IP)); /* 12 bytes of SCTP are not there */
	f.b[9] = 89;
	p = decode(101, &f);
	cr_assert(eq(int, p.stop, PKT_IP));
	cr_assert(eq(u32, p.l4_len, 10));
}

Test(options, all_that_have_a_meaning)
{
	static const uint8_t o[] = {2, 4, 5, 180, 1, 3, 3,  7, 4, 2, 8, 10, 0, 0,
				    0, 9, 0, 0,   0, 8, 34, 6, 1, 2, 3, 4,  0, 9};
	struct tcp_opts t;
	tcp_opts_read(o, sizeof o, &t);
	cr_assert(t.has_mss && t.mss == 1460);
	cr_assert(t.has_wscale && t.wscale == 7);
	cr_assert(t.sack_ok);
	cr_assert(t.has_ts && t.ts_val == 9 && t.ts_ecr == 8);
	cr_assert(t.has_fastopen && t.fastopen_len == 4);
	cr_assert(not(t.broken));
	static const uint8_t kinds[] = {2, 1, 3, 4, 8, 34, 0};
	cr_assert(eq(int, t.nkinds, sizeof kinds));
	cr_assert(eq(int, memcmp(t.kinds, kinds, sizeof kinds), 0));
}

Test(options, broken_ones)
{
	static const struct {
		uint8_t o[4], n;
	} rows[] = {{{2}, 1}, {{2, 5, 0, 0}, 4}, {{8, 0}, 2}, {{8, 1}, 2}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tcp_opts t;
		tcp_opts_read(rows[i].o, rows[i].n, &t);
		cr_assert(t.broken, "row %zu", i);
	}
	/* A wrong length for its kind is kept as a kind only. */
	struct tcp_opts t;
	tcp_opts_read((const uint8_t[]){2, 3, 9, 1}, 4, &t);
	cr_assert(not(t.broken));
	cr_assert(not(t.has_mss));
	uint8_t nops[40];
	memset(nops, 1, sizeof nops);
	tcp_opts_read(nops, sizeof nops, &t);
	cr_assert(eq(int, t.nkinds, 40));
}
