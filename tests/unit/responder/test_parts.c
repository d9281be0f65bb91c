/* The small parts: watched networks and ports, cookies, the set of things seen, token buckets,
 * banners, rules. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "responder/cookie.h"
#include "responder/limit.h"
#include "responder/nudge.h"
#include "responder/recent_set.h"
#include "responder/rules.h"
#include "responder/watch.h"

#define SECOND UINT64_C(1000000000)

static const uint8_t key[16] = {1, 2, 3};

Test(watch, ports)
{
	static struct portset s;
	uint16_t lo, hi;

	cr_assert_eq(portset_add(&s, "22"), 0);
	cr_assert_eq(portset_add(&s, "65530-65535"), 0);
	cr_assert_eq(portset_add(&s, "0"), 0);
	cr_assert(portset_has(&s, 22) && portset_has(&s, 65535) && portset_has(&s, 0));
	cr_assert(!portset_has(&s, 23) && !portset_has(&s, 65529));
	const char *bad[] = {"", "x", "70000", "5-", "-5", "5-4", "5-70000", "22 ", "1-2-3"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_eq(portset_add(&s, bad[i]), -EINVAL, "%s", bad[i]);
	cr_assert(portset_next(&s, 0, &lo, &hi) && lo == 0 && hi == 0);
	cr_assert(portset_next(&s, 1, &lo, &hi) && lo == 22 && hi == 22);
	cr_assert(portset_next(&s, 23, &lo, &hi) && lo == 65530 && hi == 65535);
	cr_assert(!portset_next(&s, 65536, &lo, &hi));
}

Test(watch, addresses_and_ports)
{
	static struct watch w;
	struct addr own = ip("203.0.113.1"), other = ip("203.0.113.2"), far = ip("203.0.114.1"),
		    six = ip("2001:db8::9");

	watch_init(&w);
	cr_assert_eq(watch_add(&w, "203.0.113.0/24"), 0);
	cr_assert_eq(watch_add(&w, "2001:db8::/64"), 0);
	cr_assert_eq(watch_add(&w, "203.0.113.7/24"), -EINVAL);
	cr_assert_eq(watch_own(&w, &own), 0);
	portset_add(&w.excluded, "443");
	portset_add(&w.host_ports, "22");
	cr_assert(watch_addr(&w, &other) && watch_addr(&w, &six) && !watch_addr(&w, &far));
	cr_assert(watch_owns(&w, &own) && !watch_owns(&w, &other));
	cr_assert(watch_port(&w, &other, 22), "others' port 22 is watched");
	cr_assert(!watch_port(&w, &own, 22), "the host keeps its own");
	cr_assert(watch_port(&w, &own, 23));
	cr_assert(!watch_port(&w, &other, 443));
	cr_assert(!watch_port(&w, &far, 80));
	while (w.nets < WATCH_NETS)
		cr_assert_eq(watch_add(&w, "192.0.2.1"), 0);
	cr_assert_eq(watch_add(&w, "192.0.2.1"), -ENOSPC);
	while (w.owns < WATCH_OWN)
		cr_assert_eq(watch_own(&w, &own), 0);
	cr_assert_eq(watch_own(&w, &own), -ENOSPC);
}

/* The first and the last address of a subnet stand for all of its hosts. */
Test(watch, edges_of_attached_subnets)
{
	static const struct {
		const char *net, *addr;
		uint8_t bits;
		bool edge;
	} rows[] = {
		{"192.0.2.0", "192.0.2.0", 24, true},    {"192.0.2.0", "192.0.2.255", 24, true},
		{"192.0.2.0", "192.0.2.1", 24, false},   {"192.0.2.0", "192.0.2.254", 24, false},
		{"192.0.2.0", "192.0.3.255", 24, false}, {"192.0.2.64", "192.0.2.64", 26, true},
		{"192.0.2.64", "192.0.2.127", 26, true}, {"192.0.2.64", "192.0.2.255", 26, false},
		{"192.0.2.64", "192.0.2.0", 26, false},  {"192.0.2.4", "192.0.2.7", 30, true},
		{"192.0.2.4", "192.0.2.5", 31, false},   {"192.0.2.4", "192.0.2.4", 32, false},
		{"0.0.0.0", "255.255.255.255", 0, true}, {"0.0.0.0", "192.0.2.1", 0, false}};
	static struct watch w;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct net n = {ip(rows[i].net), rows[i].bits};
		struct addr a = ip(rows[i].addr);
		watch_init(&w);
		watch_add(&w, "192.0.2.0/23");
		n.addr.b[3] |= rows[i].bits == 24 ? 9 : 0; /* as an interface has it */
		cr_assert_eq(watch_attach(&w, &n), 0);
		cr_assert_eq(watch_edge(&w, &a), rows[i].edge, "%s in %s/%u", rows[i].addr,
			     rows[i].net, rows[i].bits);
		if (rows[i].bits) {
			cr_assert_eq(watch_addr(&w, &a), !rows[i].edge);
			cr_assert_eq(watch_port(&w, &a, 80), !rows[i].edge);
		}
	}
	struct net six = {ip("2001:db8::"), 64}, four = {ip("192.0.2.0"), 24};
	struct addr zero6 = ip("2001:db8::");
	cr_assert_eq(watch_attach(&w, &six), 0);
	cr_assert(!watch_edge(&w, &zero6), "IPv6 has no broadcast");
	while (w.attachments < WATCH_OWN)
		cr_assert_eq(watch_attach(&w, &four), 0);
	cr_assert_eq(watch_attach(&w, &four), -ENOSPC);
}

Test(watch, same)
{
	static struct watch a, b;
	struct addr own = ip("203.0.113.1"), more = ip("203.0.113.2"), far = ip("192.0.2.1");

	watch_init(&a);
	watch_add(&a, "203.0.113.0/24");
	watch_add(&a, "2001:db8::/64");
	watch_own(&a, &own);
	watch_init(&b);
	watch_add(&b, "2001:db8::/64");
	watch_add(&b, "203.0.113.0/24");
	watch_own(&b, &far);
	watch_own(&b, &own);
	cr_assert(watch_same(&a, &b) && watch_same(&b, &a),
		  "order and unwatched addresses do not matter");
	watch_own(&b, &more);
	cr_assert(!watch_same(&a, &b) && !watch_same(&b, &a));
	watch_own(&a, &more);
	cr_assert(watch_same(&a, &b));
	struct net near = {ip("203.0.113.0"), 24}, elsewhere = {ip("10.0.0.0"), 8};
	watch_attach(&a, &elsewhere);
	cr_assert(watch_same(&a, &b), "subnets apart from the watched networks do not matter");
	watch_attach(&a, &near);
	cr_assert(!watch_same(&a, &b) && !watch_same(&b, &a));
	watch_attach(&b, &near);
	cr_assert(watch_same(&a, &b));
	watch_add(&a, "192.0.2.2");
	cr_assert(!watch_same(&a, &b) && !watch_same(&b, &a));
}

static struct tuple tuple(const char *src, uint16_t sport)
{
	return (struct tuple){ip(src), ip(src[0] == '2' ? "2001:db8::9" : "203.0.113.5"), sport,
			      80};
}

Test(cookie, verifies_what_it_made_and_nothing_else)
{
	const uint8_t seed[COOKIE_SEED] = {9};
	struct cookie c;
	struct cookie_word w, v;
	const char *sources[] = {"198.51.100.2", "2001:db8:1::2"};

	cookie_init(&c, seed, 64 * SECOND, 1000 * SECOND);
	for (int i = 0; i < 2; i++) {
		struct tuple t = tuple(sources[i], 4000), u = tuple(sources[i], 4001);

		for (uint8_t flags = 0; flags <= COOKIE_FLAGS; flags++) {
			w = cookie_make(&c, &t, 77, flags);
			cr_assert(cookie_verify(&c, &t, 77, w.isn + 1, &v));
			cr_assert(v.isn == w.isn && v.flags == flags && v.extra == w.extra);
			cr_assert(!cookie_verify(&c, &t, 78, w.isn + 1, &v), "another client ISN");
			cr_assert(!cookie_verify(&c, &u, 77, w.isn + 1, &v), "another port");
			cr_assert(!cookie_verify(&c, &t, 77, w.isn, &v), "one off");
			cr_assert(!cookie_verify(&c, &t, 77, w.isn + 2, &v), "one off");
		}
	}
}

Test(cookie, lives_between_one_and_two_periods)
{
	const uint8_t seed[COOKIE_SEED] = {9};
	struct cookie c;
	struct tuple t = tuple("198.51.100.2", 4000);
	struct cookie_word w, v;

	cookie_init(&c, seed, 64 * SECOND, 6400 * SECOND);
	w = cookie_make(&c, &t, 1, COOKIE_SACK);
	cookie_tick(&c, 6463 * SECOND);
	cr_assert_eq(cookie_make(&c, &t, 1, COOKIE_SACK).isn, w.isn, "same key all period");
	cookie_tick(&c, 6464 * SECOND);
	cr_assert_neq(cookie_make(&c, &t, 1, COOKIE_SACK).isn, w.isn);
	cr_assert(cookie_verify(&c, &t, 1, w.isn + 1, &v));
	cookie_tick(&c, 6527 * SECOND);
	cr_assert(cookie_verify(&c, &t, 1, w.isn + 1, &v));
	cookie_tick(&c, 6528 * SECOND);
	cr_assert(!cookie_verify(&c, &t, 1, w.isn + 1, &v));
}

Test(seen, remembers_until_it_expires)
{
	struct recent_set s;

	cr_assert_eq(recent_set_init(&s, 16), 0);
	cr_assert(recent_set_none(&s, 0));
	recent_set_add(&s, UINT64_C(0x1234500000000), 100 * SECOND, 10 * SECOND);
	cr_assert(!recent_set_none(&s, 105 * SECOND));
	cr_assert(recent_set_has(&s, UINT64_C(0x1234500000000), 109 * SECOND));
	cr_assert(!recent_set_has(&s, UINT64_C(0x1234600000000), 109 * SECOND), "another tag");
	cr_assert(!recent_set_has(&s, UINT64_C(0x1234500000000), 112 * SECOND));
	cr_assert(recent_set_none(&s, 112 * SECOND));
	/* A full set gives up what expires first. */
	for (uint64_t i = 0; i < 5; i++)
		recent_set_add(&s, (i + 1) << 40, 200 * SECOND, (10 + i) * SECOND);
	cr_assert_eq(s.evicted, 1);
	cr_assert(!recent_set_has(&s, UINT64_C(1) << 40, 201 * SECOND));
	for (uint64_t i = 1; i < 5; i++)
		cr_assert(recent_set_has(&s, (i + 1) << 40, 201 * SECOND));
	/* Again prolongs. */
	recent_set_add(&s, UINT64_C(2) << 40, 210 * SECOND, 50 * SECOND);
	cr_assert_eq(s.evicted, 1);
	cr_assert(recent_set_has(&s, UINT64_C(2) << 40, 250 * SECOND));
	recent_set_fini(&s);
}

static enum limit_reason take(struct limit *l, const char *src, uint64_t now)
{
	struct addr a = ip(src);

	return limit_take(l, limit_find(l, &a), now);
}

Test(limit, source_prefix_total)
{
	struct limit l;
	uint64_t now = 1000 * SECOND;

	cr_assert_eq(limit_init(&l, 64, (struct limit_rate){10, 3}, (struct limit_rate){10, 5},
				(struct limit_rate){1000, 7}, key),
		     0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_PASS);
	cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_SOURCE);
	cr_assert_eq(take(&l, "198.51.100.3", now), LIMIT_PASS);
	cr_assert_eq(take(&l, "198.51.100.3", now), LIMIT_PASS);
	cr_assert_eq(take(&l, "198.51.100.3", now), LIMIT_PREFIX);
	cr_assert_eq(take(&l, "198.51.101.3", now), LIMIT_PASS, "another prefix has its own");
	cr_assert_eq(take(&l, "2001:db8::1", now), LIMIT_PASS);
	cr_assert_eq(take(&l, "192.0.2.1", now), LIMIT_TOTAL);
	/* One token a tenth of a second comes back, to source and prefix alike. */
	now += SECOND / 10;
	cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_PASS);
	cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_SOURCE);
	cr_assert_eq(take(&l, "198.51.100.9", now), LIMIT_PREFIX);
	limit_fini(&l);
}

Test(limit, refused_packets_cost_nothing)
{
	struct limit l;
	uint64_t now = 1000 * SECOND;

	limit_init(&l, 64, (struct limit_rate){1, 1}, (struct limit_rate){1, 2},
		   (struct limit_rate){1, 3}, key);
	cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_PASS);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(take(&l, "198.51.100.2", now), LIMIT_SOURCE);
	cr_assert_eq(take(&l, "198.51.100.3", now), LIMIT_PASS, "the prefix still has its token");
	for (int i = 0; i < 100; i++)
		cr_assert_eq(take(&l, "198.51.100.4", now), LIMIT_PREFIX);
	cr_assert_eq(take(&l, "192.0.2.4", now), LIMIT_PASS, "the total still has its token");
	limit_fini(&l);
}

Test(limit, an_ipv6_source_is_its_64)
{
	struct limit l;

	limit_init(&l, 64, (struct limit_rate){1, 1}, (struct limit_rate){1, 10},
		   (struct limit_rate){0, 1}, key);
	cr_assert_eq(take(&l, "2001:db8::1", SECOND), LIMIT_PASS);
	cr_assert_eq(take(&l, "2001:db8::2", SECOND), LIMIT_SOURCE);
	cr_assert_eq(take(&l, "2001:db8:0:1::1", SECOND), LIMIT_PASS);
	limit_fini(&l);
}

Test(limit, no_rate_is_no_limit_and_tables_stay_small)
{
	struct limit l;
	char text[32];

	limit_init(&l, 64, (struct limit_rate){0, 1}, (struct limit_rate){0, 1},
		   (struct limit_rate){0, 1}, key);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(take(&l, "198.51.100.2", SECOND), LIMIT_PASS);
	limit_fini(&l);
	limit_init(&l, 64, (struct limit_rate){1, 5}, (struct limit_rate){0, 1},
		   (struct limit_rate){0, 1}, key);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.1", i / 250, i % 250);
		cr_assert_eq(take(&l, text, SECOND), LIMIT_PASS);
	}
	cr_assert_gt(l.evicted, 800);
	limit_fini(&l);
}

Test(nudge, rows)
{
	static struct nudge n;
	const struct nudge_row *r;

	nudge_defaults(&n);
	r = nudge_find(&n, 22);
	cr_assert(r && r->len == 23 && memcmp(r->banner, "SSH-2.0-OpenSSH_9.2p1\r\n", 23) == 0);
	r = nudge_find(&n, 3306);
	cr_assert(r && r->len == 4 + r->banner[0] && r->banner[4] == 10,
		  "MySQL's length byte is right");
	cr_assert_null(nudge_find(&n, 80));
	cr_assert_eq(nudge_add(&n, "80=a\\x41\\\\\\t\\0b"), 0);
	r = nudge_find(&n, 80);
	cr_assert(r && r->len == 6 && memcmp(r->banner, "aA\\\t\0b", 6) == 0);
	cr_assert_eq(nudge_add(&n, "80=other"), 0);
	cr_assert_eq(nudge_find(&n, 80)->len, 5);
	cr_assert_eq(nudge_add(&n, "80="), 0);
	cr_assert_null(nudge_find(&n, 80));
	const char *bad[] = {"", "=x", "80", "70000=x", "80=\\q", "80=\\x4", "80=\\xzz", "80=\\"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_eq(nudge_add(&n, bad[i]), -EINVAL, "%s", bad[i]);
	char big[NUDGE_MAX + 16] = "9=";
	memset(big + 2, 'x', NUDGE_MAX + 1);
	cr_assert_eq(nudge_add(&n, big), -EFBIG);
	for (int p = 9000; n.rows < NUDGE_ROWS; p++) {
		snprintf(big, sizeof(big), "%d=x", p);
		cr_assert_eq(nudge_add(&n, big), 0);
	}
	cr_assert_eq(nudge_add(&n, "8=x"), -ENOSPC);
}

static const char *text(struct buf *b)
{
	buf_addc(b, '\0');
	return (const char *)b->p;
}

Test(rules, nft)
{
	static struct watch w;
	struct addr own = ip("203.0.113.1");
	struct buf b;
	const char *s;

	watch_init(&w);
	watch_add(&w, "203.0.113.0/24");
	buf_init(&b, 1 << 16);
	cr_assert_eq(rules_nft(&w, "eth0", (struct rules_host){0}, &b), 0);
	s = text(&b);
	cr_assert_null(strstr(s, "accept\nadd rule inet lurker arriving tcp"),
		       "no rule for no ports");
	cr_assert_null(strstr(s, "ip6"));
	cr_assert_null(strstr(s, "{ }"));
	cr_assert_not_null(strstr(s, "flags owner"));
	cr_assert_not_null(
		strstr(s, "iifname \"eth0\" ip daddr @watched4 meta l4proto tcp counter drop"));
	buf_reset(&b);
	watch_add(&w, "2001:db8::/64");
	watch_own(&w, &own);
	portset_add(&w.excluded, "443");
	portset_add(&w.excluded, "8000-8100");
	portset_add(&w.host_ports, "22");
	cr_assert_eq(rules_nft(&w, "eth0", (struct rules_host){0}, &b), 0);
	s = text(&b);
	cr_assert_not_null(strstr(s, "tcp dport { 443, 8000-8100 } accept"));
	cr_assert_not_null(strstr(s, "ip daddr { 203.0.113.1 } tcp dport { 22 } accept"));
	cr_assert_not_null(strstr(s, "ip6 daddr @watched6 meta l4proto tcp counter drop"));
	cr_assert_lt(strstr(s, "tcp dport { 443, 8000-8100 } accept"), strstr(s, "counter drop"),
		     "excluded ports come first");
	cr_assert_lt(strstr(s, "@watched4 tcp flags & (fin | syn | rst | ack) == syn counter drop"),
		     strstr(s, "socket transparent 0 accept"), "SYNs need no socket");
	cr_assert_lt(strstr(s, "socket transparent 0 accept"),
		     strstr(s, "meta l4proto tcp counter drop"),
		     "own connections come before the rest");
	cr_assert_not_null(strstr(s, "hook prerouting"));
	cr_assert_null(strstr(s, "ct state"), "no connection tracking for hosts that do without");
	cr_assert_null(strstr(s, "hook forward"));
	/* A router's own addresses get answers for those behind it: tracking tells. */
	buf_reset(&b);
	cr_assert_eq(rules_nft(&w, "eth0", (struct rules_host){.forwards = true}, &b), 0);
	s = text(&b);
	cr_assert_not_null(strstr(s, "arriving ip daddr { 203.0.113.1 } accept\n"));
	cr_assert_lt(strstr(s, "arriving iifname \"eth0\" ip daddr @watched4 tcp flags"),
		     strstr(s, "arriving ip daddr { 203.0.113.1 } accept\n"));
	cr_assert_not_null(strstr(s, "hook prerouting priority mangle"));
	cr_assert_not_null(strstr(s, "tracked ip daddr { 203.0.113.1 } tcp dport { 22 } accept"));
	cr_assert_lt(
		strstr(s, "ct state established,related accept"),
		strstr(s,
		       "tracked iifname \"eth0\" ip daddr @watched4 meta l4proto tcp counter drop"));
	buf_reset(&b);
	cr_assert_eq(rules_nft(&w, "br0", (struct rules_host){.bridge = true}, &b), 0);
	s = text(&b);
	cr_assert_null(strstr(s, "hook prerouting"), "a bridge's taps come after prerouting");
	cr_assert_not_null(strstr(s, "arriving { type filter hook input"));
	cr_assert_not_null(strstr(s, "passing tcp dport { 443, 8000-8100 } accept"));
	cr_assert_not_null(strstr(
		s, "passing iifname \"br0\" ip6 daddr @watched6 meta l4proto tcp counter drop"));
	buf_fini(&b);
	buf_init(&b, 16);
	cr_assert_lt(rules_nft(&w, "eth0", (struct rules_host){0}, &b), 0);
	buf_fini(&b);
}
