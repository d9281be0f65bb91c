#include "rt/bus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_pair.h"
#include "turn.h"

TestSuite(bus, .init = pair_setup, .fini = pair_fini, .timeout = 60);

Test(bus, message_arrives_with_its_envelope)
{
	struct got g = {0};
	pair_open_pub("flowagg");
	pair_open_sub();
	pair_subscribe("flowagg", "flow", &g);
	pair_join("flow", &g);
	uint64_t n = g.n, seq = g.last.seq;
	cr_assert_eq(bus_publish(pair_pub, "flow", bytes_str("body")), 0);
	cr_assert(pair_comes_to(&g.n, n + 1));
	cr_assert_str_eq(g.topic, "flow");
	cr_assert_str_eq(g.sensor, "s1");
	cr_assert_str_eq(g.producer, "flowagg");
	cr_assert_str_eq(g.body, "body");
	cr_assert_eq(g.last.seq, seq + 1);
	cr_assert_eq(g.last.epoch, bus_epoch(pair_pub));
	cr_assert_geq(g.last.ts_ns, bus_epoch(pair_pub));
	cr_assert_eq(g.missed, 0);
	cr_assert_eq(g.epochs, 1);
	cr_assert_eq(bus_counts(pair_sub).received, g.n);
	cr_assert_eq(bus_counts(pair_sub).malformed, 0);
}

Test(bus, each_topic_has_its_sequence_and_its_callback)
{
	struct got flow = {0}, all = {0};
	pair_open_pub("flowagg");
	pair_open_sub();
	pair_subscribe("flowagg", "flow", &flow);
	pair_subscribe("flowagg", "", &all);
	pair_join("flow", &flow);
	pair_join("stat", &all);
	uint64_t flows = flow.n, alls = all.n, flow_seq = flow.last.seq;
	for (int i = 0; i < 10; i++) {
		bus_publish(pair_pub, "flow", bytes_str("f"));
		bus_publish(pair_pub, "stat", bytes_str("s"));
	}
	cr_assert(pair_comes_to(&flow.n, flows + 10));
	cr_assert(pair_comes_to(&all.n, alls + 20));
	turn_for(50);
	cr_assert_eq(flow.n, flows + 10);
	cr_assert_eq(flow.last.seq, flow_seq + 10);
	cr_assert_eq(flow.missed + all.missed, 0);
}

Test(bus, body_may_be_empty_or_as_large_as_a_frame)
{
	struct got g = {0};
	pair_open_pub("capture");
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g);
	uint64_t n = g.n, bytes = g.bytes;
	cr_assert_eq(bus_publish(pair_pub, "packet", (struct bytes){0}), 0);
	uint8_t *big = calloc(1, BUS_MAX_FRAME + 1);
	cr_assert_eq(bus_publish(pair_pub, "packet", bytes_of(big, BUS_MAX_FRAME)), 0);
	cr_assert(pair_comes_to(&g.n, n + 2));
	cr_assert_eq(g.bytes, bytes + BUS_MAX_FRAME);
	cr_assert_eq(g.missed, 0);
	/* One byte more is never sent, but has its number: the subscriber sees that it is missing.
	 */
	cr_assert_eq(bus_publish(pair_pub, "packet", bytes_of(big, BUS_MAX_FRAME + 1)), -EMSGSIZE);
	cr_assert_eq(bus_publish(pair_pub, "packet", bytes_str("next")), 0);
	cr_assert(pair_comes_to(&g.n, n + 3));
	cr_assert_eq(g.missed, 1);
	free(big);
}

Test(bus, subscriber_may_be_first_and_outlives_restarts)
{
	struct got g = {0};
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	turn_for(50);
	pair_open_pub("capture");
	pair_join("packet", &g);
	cr_assert_eq(g.epochs, 1);
	uint64_t first_epoch = g.last.epoch;
	bus_free(&pair_pub, 100);
	pair_open_pub("capture");
	/* Until the subscriber has come back it loses what is published; the count says exactly how
	 * much. */
	uint64_t missed = g.missed;
	pair_join("packet", &g);
	cr_assert_eq(g.epochs, 2);
	cr_assert_neq(g.last.epoch, first_epoch);
	cr_assert_eq(bus_counts(pair_pub).published, g.last.seq + 1);
	cr_assert_leq(g.missed - missed, g.last.seq);
	cr_assert_eq(bus_counts(pair_sub).missed, g.missed);
}

/* A subscriber that does not read: what exceeds both high-water marks is lost, and counted to the
 * last one. */
Test(bus, slow_subscriber_counts_what_it_lost)
{
	struct got g = {0};
	pair_open_both("capture", 10, 0);
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g);
	uint64_t seen = g.n, first = g.last.seq, sent = 2000;
	static uint8_t body[20000];
	for (uint64_t i = 0; i < sent; i++)
		cr_assert_eq(bus_publish(pair_pub, "packet", bytes_of(body, sizeof body)), 0);
	/* Now that it reads again, the next messages show the gap. */
	pair_catch_up("packet", &g, first + sent + 1);
	cr_assert_gt(g.missed, 0);
	cr_assert_eq(g.last.seq - first, g.n - seen + g.missed,
		     "every number is either seen or counted");
	cr_assert_eq(bus_counts(pair_sub).missed, g.missed);
}

/* Large messages wait up to a number of bytes, whatever hwm allows. Beyond it they are counted, by
 * the publisher and by who misses them; small ones go on, and so do the large ones once there is
 * room. */
Test(bus, what_waits_is_bounded_in_bytes)
{
	struct got g = {0};
	pair_open_both("analyzer", 1000, 2);
	pair_subscribe("analyzer", "analysis", &g);
	pair_join("analysis", &g);
	uint64_t first = g.last.seq, seen = g.n, refused = 0;
	static uint8_t body[4 << 20];
	for (int i = 0; i < 40; i++) {
		int rc = bus_publish(pair_pub, "analysis", bytes_of(body, sizeof body));
		cr_assert(rc == 0 || rc == -ENOBUFS);
		refused += rc != 0;
	}
	/* The subscriber's two and what is between the sockets is no longer the publisher's. */
	cr_assert_geq(refused, 40 - BUS_MAX_WAITING / sizeof body - 8);
	cr_assert_lt(refused, 40);
	cr_assert_eq(bus_counts(pair_pub).crowded_out, refused);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(bus_publish(pair_pub, "analysis", bytes_of(body, BUS_SMALL)), 0);
	cr_assert(pair_comes_to(&g.n, seen + 40 - refused + 100));
	cr_assert_eq(bus_publish(pair_pub, "analysis", bytes_of(body, sizeof body)), 0);
	cr_assert(pair_comes_to(&g.n, seen + 40 - refused + 101));
	cr_assert_eq(g.missed, refused);
	cr_assert_eq(g.last.seq, first + 141);
}

/* What a subscriber keeps has a bound of its own: the rest waits with the publisher, as far as that
 * allows. */
Test(bus, a_subscriber_that_reads_on_disk_keeps_few)
{
	struct got g = {0};
	pair_open_both("capture", 100, 10);
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g);
	uint64_t first = g.last.seq;
	static uint8_t body[20000];
	for (int i = 0; i < 3000; i++) {
		cr_assert_eq(bus_publish(pair_pub, "packet", bytes_of(body, sizeof body)), 0);
		if (i % 50 == 0)
			usleep(1000); /* for libzmq's threads to move them */
	}
	pair_catch_up("packet", &g, first + 3001);
	cr_assert_lt(g.bytes, 500 * sizeof body);
	cr_assert_gt(g.missed, 2500);
}

Test(bus, a_busy_topic_ends_its_turn)
{
	struct got g = {0};
	pair_open_pub("capture");
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g);
	uint64_t n = g.n;
	for (int i = 0; i < 1000; i++)
		bus_publish(pair_pub, "packet", bytes_str("x"));
	cr_assert(pair_comes_to(&g.n, n + 1000));
	cr_assert_eq(g.missed, 0);
}
