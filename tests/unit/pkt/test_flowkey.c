#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "frame.h"
#include "pkt/flowid.h"
#include "pkt/flowkey.h"
#include "pkt/siphash.h"

static struct pkt of(const char *src, const char *dst, uint8_t proto, uint16_t sport,
		     uint16_t dport)
{
	struct pkt p = {.stop = PKT_L4, .proto = proto, .sport = sport, .dport = dport};
	cr_assert(eq(int, addr_parse(src, &p.src), 0));
	cr_assert(eq(int, addr_parse(dst, &p.dst), 0));
	return p;
}

static struct pkt back(const struct pkt *p)
{
	struct pkt b = *p;
	b.src = p->dst;
	b.dst = p->src;
	b.sport = p->dport;
	b.dport = p->sport;
	return b;
}

Test(flowkey, both_directions_are_one)
{
	struct pkt rows[] = {
		of("192.0.2.1", "198.51.100.2", 6, 1000, 80),
		of("198.51.100.2", "192.0.2.1", 17, 53, 53),
		of("127.0.0.1", "127.0.0.1", 6, 5000, 80),
		of("2001:db8::1", "2001:db8::2", 6, 1, 2),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct flowkey a, b;
		bool fa, fb;
		struct pkt rev = back(&rows[i]);
		flowkey_of(&rows[i], &a, &fa);
		flowkey_of(&rev, &b, &fb);
		cr_assert(eq(int, memcmp(&a, &b, sizeof a), 0), "row %zu", i);
		cr_assert(ne(int, fa, fb));
		static const uint8_t seed[16] = "0123456789abcde", other[16] = "1123456789abcde";
		cr_assert(eq(u64, flowkey_hash(&a, seed), flowkey_hash(&b, seed)));
		cr_assert(ne(u64, flowkey_hash(&a, seed), flowkey_hash(&a, other)));
	}
}

Test(flowkey, different_flows_differ)
{
	struct pkt rows[] = {
		of("192.0.2.1", "198.51.100.2", 6, 1000, 80),
		of("192.0.2.1", "198.51.100.2", 17, 1000, 80),
		of("192.0.2.1", "198.51.100.2", 6, 80, 1000),
		of("192.0.2.1", "198.51.100.3", 6, 1000, 80),
		of("192.0.2.1", "198.51.100.2", 6, 1001, 80),
	};
	struct flowkey k[5];
	bool f;
	for (size_t i = 0; i < 5; i++) {
		flowkey_of(&rows[i], &k[i], &f);
		for (size_t j = 0; j < i; j++)
			cr_assert(ne(int, memcmp(&k[i], &k[j], sizeof k[i]), 0), "%zu %zu", i, j);
	}
}

Test(flowkey, icmp_answers_fold_onto_queries)
{
	static const struct {
		uint8_t proto;
		uint16_t query, answer;
	} rows[] = {{1, 8, 0}, {1, 13, 14}, {58, 128, 129}, {58, 135, 136}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *lo = rows[i].proto == 1 ? "192.0.2.1" : "2001:db8::1";
		const char *hi = rows[i].proto == 1 ? "192.0.2.9" : "2001:db8::9";
		struct pkt q = of(hi, lo, rows[i].proto, rows[i].query, 0),
			   a = of(lo, hi, rows[i].proto, rows[i].answer, 0);
		struct flowkey kq, ka;
		bool fq, fa;
		flowkey_of(&q, &kq, &fq);
		flowkey_of(&a, &ka, &fa);
		cr_assert(eq(int, memcmp(&kq, &ka, sizeof kq), 0));
		cr_assert(eq(int, kq.lo_port, rows[i].query));
		cr_assert(not(fq));
		cr_assert(fa);
	}
	/* To itself: the query is the way forward. */
	struct pkt q = of("127.0.0.1", "127.0.0.1", 1, 8, 0),
		   a = of("127.0.0.1", "127.0.0.1", 1, 0, 0);
	struct flowkey k;
	bool fq, fa;
	flowkey_of(&q, &k, &fq);
	flowkey_of(&a, &k, &fa);
	cr_assert(fq && !fa);
}

Test(flowkey, without_ports)
{
	struct pkt p = of("192.0.2.1", "198.51.100.2", 47, 7, 9);
	struct flowkey k;
	bool f;
	p.stop = PKT_IP;
	flowkey_of(&p, &k, &f);
	cr_assert(eq(int, k.lo_port, 0));
	cr_assert(eq(int, k.hi_port, 0));
}

/* Expected values: baseline files of github.com/corelight/community-id-spec. */
Test(community, published_vectors)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto;
		uint16_t sport, dport;
		const char *id;
	} rows[] = {
		{"128.232.110.120", "66.35.250.204", 6, 34855, 80,
		 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"192.168.1.52", "8.8.8.8", 17, 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{"192.168.0.89", "192.168.0.1", 1, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{"192.168.0.1", "192.168.0.89", 1, 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{"192.168.170.8", "192.168.170.56", 132, 7, 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkt p = of(rows[i].src, rows[i].dst, rows[i].proto, rows[i].sport,
				  rows[i].dport),
			   b = back(&p);
		char id[32];
		community_id(&p, 0, id);
		cr_assert(eq(str, id, (char *)rows[i].id));
		if (rows[i].proto != 1) {
			community_id(&b, 0, id);
			cr_assert(eq(str, id, (char *)rows[i].id));
		}
	}
}

Test(community, to_itself_the_ports_decide)
{
	struct pkt p = of("127.0.0.1", "127.0.0.1", 6, 5000, 80), b = back(&p);
	char one[32], other[32];
	community_id(&p, 0, one);
	community_id(&b, 0, other);
	cr_assert(eq(str, one, other));
}

Test(community, seed_and_no_ports)
{
	struct pkt p = of("128.232.110.120", "66.35.250.204", 6, 34855, 80);
	char a[32], b[32];
	community_id(&p, 1, a);
	cr_assert(eq(str, a, (char *)"1:3V71V58M3Ksw/yuFALMcW0LAHvc="));
	p.stop = PKT_IP;
	community_id(&p, 0, a);
	p.sport = 1;
	community_id(&p, 0, b);
	cr_assert(eq(str, a, b));
}

/* The first and the last of the reference implementation's vectors (github.com/veorq/SipHash,
 * vectors.h). */
Test(siphash, reference_vectors)
{
	uint8_t key[16], in[64];
	for (int i = 0; i < 64; i++)
		in[i] = (uint8_t)i;
	memcpy(key, in, 16);
	cr_assert(eq(u64, siphash24(in, 0, key), 0x726fdb47dd0e0e31u));
	cr_assert(eq(u64, siphash24(in, 15, key), 0xa129ca6149be45e5u));
	cr_assert(eq(u64, siphash24(in, 63, key), 0x958a324ceb064572u));
}

Test(flowid, is_the_digest_it_says)
{
	char a[FLOWID_TEXT], b[FLOWID_TEXT], c[FLOWID_TEXT], d[FLOWID_TEXT];
	/* printf 's\0000\0k' | sha256sum */
	flowid("s", 0, "k", a);
	cr_assert(eq(str, a, (char *)"315276b0f6e2deca33aa6624f359962c"));
	flowid("s", 1, "k", b);
	flowid("s", 0, "l", c);
	flowid("t", 0, "k", d);
	cr_assert(ne(str, a, b));
	cr_assert(ne(str, a, c));
	cr_assert(ne(str, a, d));
	char key[600];
	memset(key, 'x', sizeof key - 1);
	key[sizeof key - 1] = 0;
	flowid("s", 0, key, a);
	key[sizeof key - 2] = 'y';
	flowid("s", 0, key, b);
	cr_assert(ne(str, a, b));
}
