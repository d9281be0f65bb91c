/* The table of connections and the reflection watch. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "responder/conn.h"
#include "responder/reflect.h"

#define SECOND UINT64_C(1000000000)

static const uint8_t key[16] = {4, 5, 6};

static struct tuple tuple(uint16_t sport)
{
	return (struct tuple){ip("198.51.100.2"), ip("203.0.113.5"), sport, 80};
}

static struct conn *add(struct conns *t, uint16_t sport, uint64_t now)
{
	struct tuple k = tuple(sport);

	return conns_add(t, &k, now);
}

static struct conn *find(struct conns *t, uint16_t sport)
{
	struct tuple k = tuple(sport);

	return conns_find(t, &k);
}

Test(conns, fills_finds_and_reuses)
{
	struct conns t;

	cr_assert_eq(conns_init(&t, 100, 60 * SECOND, 10 * SECOND, key), 0);
	for (int round = 0; round < 3; round++) {
		for (uint16_t i = 0; i < 100; i++)
			add(&t, i, SECOND);
		cr_assert(conns_full(&t));
		for (uint16_t i = 0; i < 100; i++)
			cr_assert_eq(find(&t, i)->t.sport, i);
		cr_assert_null(find(&t, 100));
		for (uint16_t i = 0; i < 100; i = (uint16_t)(i + 2))
			conns_remove(&t, find(&t, i));
		for (uint16_t i = 0; i < 100; i++)
			cr_assert_eq(find(&t, i) != NULL, i % 2 == 1);
		for (uint16_t i = 1; i < 100; i = (uint16_t)(i + 2))
			conns_remove(&t, find(&t, i));
		cr_assert_eq(t.used, 0);
		cr_assert(t.oldest == CONN_NONE && t.newest == CONN_NONE);
	}
	conns_fini(&t);
}

Test(conns, the_longest_silent_goes_first)
{
	struct conns t;

	conns_init(&t, 3, 60 * SECOND, 10 * SECOND, key);
	add(&t, 1, 100 * SECOND);
	add(&t, 2, 101 * SECOND);
	cr_assert_null(conns_victim(&t, 200 * SECOND), "there is room");
	add(&t, 3, 102 * SECOND);
	conns_touch(&t, find(&t, 1), 103 * SECOND);
	conns_touch(&t, find(&t, 1), 103 * SECOND);
	cr_assert_null(conns_victim(&t, 110 * SECOND), "nobody was silent for long");
	cr_assert_eq(conns_victim(&t, 111 * SECOND), find(&t, 2));
	cr_assert_null(conns_idle(&t, 160 * SECOND));
	cr_assert_eq(conns_idle(&t, 161 * SECOND), find(&t, 2));
	conns_remove(&t, find(&t, 2));
	cr_assert_eq(conns_idle(&t, 162 * SECOND), find(&t, 3));
	conns_fini(&t);
}

Test(conns, one_source_keeps_nobody_out)
{
	struct tuple k = tuple(1);
	struct conns t;
	struct conn *c;
	int refused = 0;
	char text[32];

	conns_init(&t, 64, 60 * SECOND, 10 * SECOND, key);
	for (uint16_t i = 0; i < 60; i++)
		add(&t, i, 100 * SECOND);
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		k.src = ip(text);
		conns_add(&t, &k, 101 * SECOND);
	}
	/* 100 others come, one each, while nobody is silent for long. */
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "203.0.112.%d", i);
		k.src = ip(text);
		c = conns_victim(&t, 102 * SECOND);
		refused += !c;
		if (!c)
			continue;
		cr_assert(addr_eq(&c->t.src, &(struct addr){4, {198, 51, 100, 2}}),
			  "the one that holds too many");
		conns_remove(&t, c);
		conns_add(&t, &k, 102 * SECOND);
	}
	cr_assert_eq(refused, 100 - (60 - 64 / CONN_SHARE), "it keeps its share");
	for (uint32_t i = t.oldest; i != CONN_NONE; i = t.oldest)
		conns_remove(&t, &t.c[i]);
	for (uint32_t i = 0; i < CONN_CELLS; i++)
		cr_assert_eq(t.held[i], 0);
	conns_fini(&t);
}

Test(conns, waiting_queue)
{
	struct conns t;

	conns_init(&t, 3, 60 * SECOND, 10 * SECOND, key);
	for (uint16_t i = 0; i < 3; i++)
		conns_wait(&t, add(&t, i, SECOND));
	conns_unwait(&t, find(&t, 1));
	conns_unwait(&t, find(&t, 1));
	cr_assert_eq(conns_waiting(&t), find(&t, 0));
	conns_remove(&t, find(&t, 0));
	cr_assert_eq(conns_waiting(&t), find(&t, 2));
	conns_unwait(&t, find(&t, 2));
	cr_assert_null(conns_waiting(&t));
	conns_fini(&t);
}

static struct reflect_conf published = {.packets = 25,
					.min_ns = 60 * SECOND,
					.per_min = 30,
					.ports = 16,
					.repeats = 5,
					.quiet_ns = 120 * SECOND,
					.rsts = 20,
					.silence_ns = 300 * SECOND,
					.verified_ns = 600 * SECOND};
static struct reflect watch;
static uint64_t now;

static void watch_begin(void)
{
	now = 100000 * SECOND;
	cr_assert_eq(reflect_init(&watch, &published, 64, 256, key), 0);
}

static enum reflect_verdict syn(const char *src, uint8_t host, uint16_t port)
{
	uint8_t b[4] = {203, 0, 113, host};
	struct addr s = ip(src), d = addr_v4(b);

	return reflect_syn(&watch, &s, &d, port, now);
}

/* Time goes on as in the service: with a tick a second. */
static void pass(double seconds)
{
	uint64_t until = now + (uint64_t)(seconds * 1e9);

	while (now + SECOND <= until) {
		now += SECOND;
		reflect_tick(&watch, now);
	}
	now = until;
}

Test(reflect, one_alert_an_attack_with_an_end)
{
	struct reflect_event e;
	int suppressed = 0;

	watch_begin();
	/* One a second to two targets, for three minutes. */
	for (int i = 0; i < 180; i++, pass(1))
		suppressed +=
			syn("198.51.100.7", (uint8_t)(5 + i % 2), 80) == REFLECT_SUPPRESS_ALERT;
	cr_assert_gt(suppressed, 100);
	cr_assert(reflect_take(&watch, &e) && e.begin);
	cr_assert(e.prefix.bits == 32 && e.ports == 1 && e.port[0] == 80);
	cr_assert_float_eq(e.rate, 1, 0.1);
	cr_assert_eq(e.first_ns, 100003 * SECOND, "followed from the fourth SYN on");
	cr_assert(!reflect_take(&watch, &e));
	cr_assert_eq(syn("198.51.100.8", 5, 80), REFLECT_PASS, "its neighbour is not the victim");
	pass(110);
	cr_assert(!reflect_take(&watch, &e));
	pass(60);
	cr_assert(reflect_take(&watch, &e) && !e.begin && e.count >= 175);
	cr_assert(!reflect_take(&watch, &e));
	cr_assert_eq(watch.active, 0);
	cr_assert_eq(syn("198.51.100.7", 5, 80), REFLECT_PASS);
	reflect_fini(&watch);
}

Test(reflect, carpet_bombing_is_one_attack_on_the_prefix)
{
	struct reflect_event e;
	char src[32];

	watch_begin();
	for (int i = 0; i < 400; i++, pass(0.5)) {
		snprintf(src, sizeof(src), "198.51.100.%d", i * 37 % 256);
		syn(src, (uint8_t)(5 + i % 4), 443);
	}
	cr_assert(reflect_take(&watch, &e) && e.begin && e.prefix.bits == 24);
	cr_assert(!reflect_take(&watch, &e));
	cr_assert_eq(syn("198.51.100.99", 5, 443), REFLECT_SUPPRESS_ALERT,
		     "the whole prefix is spared");
	reflect_fini(&watch);
}

Test(reflect, below_any_threshold_there_is_none)
{
	watch_begin();
	for (int i = 0; i < 100; i++, pass(2.5))
		syn("198.51.100.7", 5, 80); /* 24 a minute */
	for (int i = 0; i < 500; i++, pass(0.1))
		syn("198.51.101.7", 5, 80); /* 50 s */
	cr_assert_eq(watch.alerts, 0);
	reflect_fini(&watch);
}

Test(reflect, a_sweep_raises_none)
{
	watch_begin();
	/* zmap over a /24 on one port, slow and fast, with a RST for each answer. */
	for (int i = 0; i < 256; i++, pass(0.5)) {
		struct addr a = ip("198.51.100.7");

		cr_assert_eq(syn("198.51.100.7", (uint8_t)(i * 77), 80), REFLECT_PASS);
		reflect_rst(&watch, &a, now);
	}
	for (int i = 0; i < 256 * 8; i++, pass(0.05)) {
		struct addr a = ip("198.51.101.7");

		cr_assert_eq(syn("198.51.101.7", (uint8_t)(i * 77), (uint16_t)(80 + i / 256)),
			     REFLECT_PASS);
		reflect_rst(&watch, &a, now);
	}
	cr_assert(watch.alerts == 0 && watch.victims == 0);
	reflect_fini(&watch);
}

Test(reflect, a_sweep_that_asks_three_times_raises_none)
{
	watch_begin();
	/* zmap -P 3 -p 80,443,8080, over minutes, as fast as its RSTs. */
	for (int i = 0; i < 256 * 3 * 3; i++, pass(0.1)) {
		struct addr a = ip("198.51.100.7");
		uint16_t port = (uint16_t)(i / 768 * 363 + 80);

		cr_assert_eq(syn("198.51.100.7", (uint8_t)(i / 3 * 77), port), REFLECT_PASS);
		reflect_rst(&watch, &a, now);
	}
	cr_assert(watch.alerts == 0 && watch.victims == 0);
	reflect_fini(&watch);
}

Test(reflect, many_attacks_at_once_all_begin_and_end)
{
	enum { PREFIXES = 256 };
	static int state[PREFIXES];
	struct reflect_event e;
	int begun = 0, ended = 0;
	char src[32];

	/* Carpet bombing of a /16: each of its /24 gets half a SYN a second and more. */
	now = 100000 * SECOND;
	cr_assert_eq(reflect_init(&watch, &published, 1024, 256, key), 0);
	for (int s = 0; s < 400; s++, pass(1)) {
		for (int i = 0; s < 180 && i < PREFIXES; i++) {
			snprintf(src, sizeof(src), "198.51.%d.%d", i, s * 37 % 256);
			syn(src, (uint8_t)(5 + s % 2), 443);
		}
		/* The shell takes them once a second. */
		while (reflect_take(&watch, &e)) {
			cr_assert_eq(e.prefix.bits, 24);
			cr_assert_eq(state[e.prefix.addr.b[2]]++, !e.begin,
				     "one begin, then one end");
			begun += e.begin;
			ended += !e.begin;
		}
	}
	cr_assert_gt(begun, PREFIXES * 9 / 10, "the table holds most: %d", begun);
	cr_assert_eq(ended, begun);
	cr_assert_eq(watch.active, 0);
	cr_assert_eq(watch.alerts, (uint64_t)begun);
	reflect_fini(&watch);
}

Test(reflect, a_port_scan_raises_none)
{
	watch_begin();
	for (int i = 0; i < 3000; i++, pass(0.05))
		cr_assert_eq(syn("198.51.100.7", 5, (uint16_t)(1 + i % 1000)), REFLECT_PASS);
	cr_assert_eq(watch.alerts, 0);
	reflect_fini(&watch);
}

Test(reflect, a_brute_force_that_completes_raises_none)
{
	struct addr a = ip("198.51.100.7");

	watch_begin();
	for (int i = 0; i < 1000; i++, pass(0.2)) {
		cr_assert_eq(syn("198.51.100.7", 5, 22), REFLECT_PASS);
		if (i % 3 == 0)
			reflect_verified(&watch, &a, now);
	}
	cr_assert_eq(watch.alerts, 0);
	cr_assert(reflect_is_verified(&watch, &a, now));
	pass(601);
	cr_assert(!reflect_is_verified(&watch, &a, now));
	reflect_fini(&watch);
}

Test(reflect, a_verified_neighbour_does_not_hide_a_victim)
{
	struct addr honest = ip("198.51.100.9");

	watch_begin();
	for (int i = 0; i < 200; i++, pass(0.5)) {
		syn("198.51.100.7", 5, 80);
		cr_assert_eq(syn("198.51.100.9", 6, 22), REFLECT_PASS);
		reflect_verified(&watch, &honest, now);
	}
	cr_assert_eq(watch.alerts, 1);
	reflect_fini(&watch);
}

Test(reflect, many_rsts_silence_a_prefix_for_a_while)
{
	struct addr a = ip("198.51.100.7");
	int passed = 0;

	watch_begin();
	for (int i = 0; i < 60; i++, pass(0.01)) {
		if (syn("198.51.100.7", 5, 80) == REFLECT_PASS) {
			passed++;
			reflect_rst(&watch, &a, now);
		}
	}
	cr_assert_lt(passed, 30);
	cr_assert_eq(watch.victims, 1);
	cr_assert_eq(syn("198.51.100.200", 5, 80), REFLECT_SUPPRESS_VICTIM, "the prefix");
	reflect_verified(&watch, &a, now);
	cr_assert_eq(syn("198.51.100.7", 5, 80), REFLECT_PASS, "a verified source is spoken to");
	pass(301);
	cr_assert_eq(syn("198.51.100.200", 5, 80), REFLECT_PASS);
	reflect_fini(&watch);
}

Test(reflect, bounded_and_attacks_are_never_given_up)
{
	char src[32];
	struct reflect_event e;

	watch_begin();
	for (int i = 0; i < 100; i++, pass(1))
		syn("198.51.100.7", 5, 80);
	cr_assert_eq(watch.active, 1);
	/* 40,000 prefixes with enough SYNs each to be followed. */
	for (int i = 0; i < 40000; i++)
		for (int k = 0; k < 5; k++) {
			snprintf(src, sizeof(src), "10.%d.%d.1", i / 256, i % 256);
			syn(src, (uint8_t)k, 80);
		}
	cr_assert_gt(watch.evicted, 30000);
	cr_assert_eq(syn("198.51.100.7", 5, 80), REFLECT_SUPPRESS_ALERT);
	pass(300);
	cr_assert(reflect_take(&watch, &e) && e.begin && reflect_take(&watch, &e) && !e.begin);
	reflect_fini(&watch);
}

Test(reflect, ipv6_by_its_48)
{
	struct reflect_event e;
	struct addr d = ip("2001:db8:ff::5");
	char src[64];

	watch_begin();
	for (int i = 0; i < 200; i++, pass(0.5)) {
		snprintf(src, sizeof(src), "2001:db8:77:%x::%x", i % 50, i);
		struct addr s = ip(src);
		reflect_syn(&watch, &s, &d, 80, now);
	}
	cr_assert(reflect_take(&watch, &e) && e.prefix.bits == 48 && e.prefix.addr.family == 6);
	reflect_fini(&watch);
}
