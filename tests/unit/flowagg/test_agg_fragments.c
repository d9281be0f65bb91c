/* agg, fragments: they follow the fragment that has the ports, whichever comes first. */
#include <criterion/criterion.h>

#include "flowagg_world.h"

static struct world w;

static void setup(void)
{
	world_init(&w, &world_limits);
}

static void teardown(void)
{
	world_fini(&w);
}

static void with(struct agg_limits limits)
{
	world_fini(&w);
	world_init(&w, &limits);
}

TestSuite(agg_fragments, .init = setup, .fini = teardown);

Test(agg_fragments, fragments_that_would_not_fit_into_memory_twice_stay_apart)
{
	struct agg_limits l = world_limits;

	l.max_bytes = 16 * PACKET_POOL_BLOCK;
	with(l);
	struct frame big = frame_udp(A, 7, B, 9, 1400);
	big.b[18] = 0;
	big.b[19] = 42;
	big.b[20] = 0x20;
	big.b[21] = 2; /* a fragment in the middle */
	world_packet(&w, 0, big.b, big.n);
	world_packet(&w, 1, big.b, big.n);
	SEND(&w, 2, frame_fragment(A, 7, B, 9, 42, 0, 16, true));
	cr_assert_eq(w.agg.counts.fragments_joined, 0);
	cr_assert_eq(w.agg.counts.open + w.agg.counts.bundled, 3);
}

Test(agg_fragments, fragments_follow_the_one_with_the_ports)
{
	SEND(&w, 0, frame_fragment(A, 7, B, 9, 42, 0, 16, true));
	SEND(&w, 1, frame_fragment(A, 7, B, 9, 42, 16, 16, false));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(world_file(&w, "_7_9_udp.pcap")->packets, 2);
	cr_assert_eq(w.agg.counts.fragments_joined, 1);
	cr_assert_eq(w.agg.counts.fragments_alone, 0);
}

Test(agg_fragments, fragments_that_came_before_join_when_it_comes)
{
	SEND(&w, 5, frame_fragment(A, 7, B, 9, 42, 16, 16, false));
	cr_assert_eq(w.agg.counts.fragments_alone, 1);
	SEND(&w, 6, frame_udp(A, 7, B, 9, 3)); /* the flow is there already */
	SEND(&w, 7, frame_fragment(A, 7, B, 9, 42, 0, 16, true));
	SEND(&w, 8,
	     frame_fragment(A, 7, B, 9, 43, 16, 16,
			    false)); /* and here it begins with a fragment */
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(world_file(&w, "_7_9_udp.pcap")->packets, 3);
	SEND(&w, 70 * SECOND, frame_fragment(B, 7, C, 9, 44, 16, 16, false));
	SEND(&w, 71 * SECOND, frame_fragment(B, 7, C, 9, 44, 0, 16, true));
	world_tick(&w, 140 * SECOND);
	const struct file *f = world_file(&w, "/1700000070_10.0.0.2_10.0.0.3_7_9_udp.pcap");
	cr_assert(f);
	cr_assert_eq(f->packets, 2);
	cr_assert_eq(f->init_ns, T0 + 70 * SECOND);
	cr_assert_eq(f->payload_bytes, 32);
}

Test(agg_fragments, fragments_nobody_knows_have_names_of_their_own)
{
	struct agg_limits l = world_limits;

	l.bundling = BUNDLE_NONE;
	with(l);
	SEND(&w, 0, frame_fragment(A, 7, B, 9, 42, 16, 16, false));
	SEND(&w, 1, frame_fragment(A, 7, B, 9, 43, 16, 16, false));
	world_tick(&w, 61 * SECOND);
	cr_assert(world_file(&w, "_0_0_udp_frag_1.pcap"));
	cr_assert(world_file(&w, "_0_0_udp_frag_2.pcap"));
}

Test(agg_fragments, an_old_identification_stands_for_another_datagram)
{
	SEND(&w, 0, frame_fragment(A, 7, B, 9, 42, 0, 16, true));
	SEND(&w, 31 * SECOND, frame_fragment(A, 7, B, 9, 42, 16, 16, false));
	cr_assert_eq(w.agg.counts.fragments_alone, 1);
}

Test(agg_fragments, more_datagrams_in_fragments_than_places_cost_only_the_knowledge)
{
	for (int i = 0; i < 3000; i++) {
		SEND(&w, i, frame_fragment(A, 7, B, 9, i, 0, 16, true));
		SEND(&w, i, frame_fragment(A, 7, B, 9, i, 16, 16, false));
	}
	cr_assert_eq(w.agg.counts.fragments_joined, 3000);
}
