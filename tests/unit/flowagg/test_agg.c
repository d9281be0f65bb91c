/* agg: what begins and ends a flow, where it goes, and in which order things are given up. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "flowagg_world.h"
#include "pkt/capfile.h"

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

TestSuite(agg, .init = setup, .fini = teardown);

/* A conversation: SYN, SYN+ACK, data, answer. */
static void talk(uint64_t at, int sport, uint32_t isn, size_t bytes)
{
	SEND(&w, at, frame_tcp(A, sport, B, 80, TCP_SYN, isn, 0));
	SEND(&w, at + 1000, frame_tcp(B, 80, A, sport, TCP_SYNACK, 9, 0));
	SEND(&w, at + 2000, frame_tcp(A, sport, B, 80, TCP_ACK, isn + 1, bytes));
	SEND(&w, at + 3000, frame_tcp(B, 80, A, sport, TCP_ACK, 10, 5));
}

Test(agg, both_directions_are_one_flow_and_one_file)
{
	talk(0, 4000, 77, 100);
	world_tick(&w, 59 * SECOND);
	cr_assert_eq(w.n, 0);
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.n, 1);
	const struct file *f = &w.files[0];
	cr_assert_str_eq(f->key, "pcap/2023/11/14/22/1700000000_10.0.0.1_10.0.0.2_4000_80.pcap");
	cr_assert_eq(f->packets, 4);
	cr_assert_eq(f->flows, 1);
	cr_assert_eq(f->reason, END_IDLE);
	cr_assert_eq(f->first, 1);
	cr_assert_eq(f->number, 1);
	cr_assert_eq(f->payload_bytes, 100);
	cr_assert_eq(f->init_ns, T0);
	cr_assert_eq(f->last_ns, T0 + 3000);
	cr_assert_eq(w.agg.table.used, 0);
	cr_assert_eq(w.agg.pool.used, 0);
}

Test(agg, the_file_is_a_nanosecond_pcap_with_the_packets_as_they_came)
{
	struct capfile *c;
	struct capfile_packet p;
	char err[128];

	talk(0, 4000, 77, 1400);
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(capfile_open_memory(w.files[0].p, w.files[0].n, &c, err, sizeof err), 0);
	const struct frame want[] = {frame_tcp(A, 4000, B, 80, TCP_SYN, 77, 0),
				     frame_tcp(B, 80, A, 4000, TCP_SYNACK, 9, 0),
				     frame_tcp(A, 4000, B, 80, TCP_ACK, 78, 1400),
				     frame_tcp(B, 80, A, 4000, TCP_ACK, 10, 5)};
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(capfile_next(c, &p), 1);
		cr_assert_eq(p.ts_ns, T0 + (uint64_t)i * 1000);
		cr_assert_eq(p.caplen, want[i].n);
		cr_assert_eq(p.linktype, 1);
		cr_assert_arr_eq(p.data, want[i].b, want[i].n);
	}
	cr_assert_eq(capfile_next(c, &p), 0);
	capfile_close(&c);
}

Test(agg, ipv6_names_have_no_colons)
{
	SEND(&w, 0, frame_tcp6(A, 4000, B, 80, TCP_SYN, 1, 3));
	world_tick(&w, 61 * SECOND);
	cr_assert(world_file(&w, "/1700000000_2001-db8--1_2001-db8--2_4000_80.pcap"));
}

Test(agg, protocols_other_than_tcp_are_in_the_name)
{
	SEND(&w, 0, frame_udp(A, 53, B, 5353, 3));
	SEND(&w, 0, frame_icmp(A, B, 8, 0, 4));
	SEND(&w, 1, frame_icmp(B, A, 0, 0, 4));
	SEND(&w, 0, frame_proto(A, B, 47, 10));
	world_tick(&w, 61 * SECOND);
	cr_assert(world_file(&w, "_53_5353_udp.pcap"));
	cr_assert_eq(world_file(&w, "_10.0.0.1_10.0.0.2_8_0_icmp.pcap")->packets, 2);
	cr_assert(world_file(&w, "_0_0_47.pcap"));
}

Test(agg, what_is_no_ip_is_counted)
{
	static const uint8_t llc[60] = {[12] = 0x88, [13] = 0xcc};
	struct frame broken = frame_udp(A, 1, B, 2, 3);
	struct agg_packet unknown = {0, T0, 4, 4, 9999, (const uint8_t *)"abcd"};

	SEND(&w, 0, frame_arp());
	world_packet(&w, 0, llc, sizeof llc);
	world_packet(&w, 0, broken.b, 20);
	unknown.number = w.next++;
	agg_packet(&w.agg, &unknown);
	const struct agg_counts *c = &w.agg.counts;
	cr_assert_eq(c->arp, 1);
	cr_assert_eq(c->other_l3, 1);
	cr_assert_eq(c->broken, 1);
	cr_assert_eq(c->unknown_link, 1);
	cr_assert_eq(c->packets, 4);
	cr_assert(world_balance(&w));
}

Test(agg, the_initiator_is_the_sender_of_the_syn_whoever_is_seen_first)
{
	SEND(&w, 0, frame_tcp(B, 80, A, 4000, TCP_SYNACK, 9, 0));
	SEND(&w, 1, frame_tcp(A, 4000, B, 80, TCP_ACK, 9, 3));
	world_tick(&w, 61 * SECOND);
	cr_assert(world_file(&w, "_10.0.0.1_10.0.0.2_4000_80.pcap"), "receiver of the SYN+ACK");
	/* Data first, then (out of order) the SYN of the other end. */
	SEND(&w, 100 * SECOND, frame_tcp(B, 80, C, 4000, TCP_ACK, 5, 3));
	SEND(&w, 100 * SECOND, frame_tcp(C, 4000, B, 80, TCP_SYN, 9, 2));
	world_tick(&w, 161 * SECOND);
	cr_assert(world_file(&w, "_10.0.0.3_10.0.0.2_4000_80.pcap"), "sender of the SYN");
	/* Nobody's SYN: the first one to speak. */
	SEND(&w, 200 * SECOND, frame_tcp(B, 81, A, 4000, TCP_ACK, 5, 3));
	world_tick(&w, 261 * SECOND);
	cr_assert(world_file(&w, "_10.0.0.2_10.0.0.1_81_4000.pcap"));
}

Test(agg, flows_without_initiator_payload_share_the_minutes_bundle)
{
	for (int i = 0; i < 5; i++) {
		SEND(&w, i, frame_tcp(A, 4000 + i, B, 80, TCP_SYN, 1, 0));
		SEND(&w, i, frame_tcp(B, 80, A, 4000 + i, TCP_SYNACK, 1, 0));
	}
	SEND(&w, 9, frame_udp(A, 1, B, 2, 0));
	world_tick(&w, 61 * SECOND); /* 22:14:21: into the bundle */
	cr_assert_eq(w.n, 0);
	cr_assert_eq(w.agg.counts.bundled, 11);
	world_tick(&w, 99 * SECOND);
	cr_assert_eq(w.n, 0);
	world_tick(&w, 100 * SECOND); /* 22:15:00 */
	cr_assert_eq(w.n, 1);
	cr_assert(w.files[0].bundle);
	cr_assert_str_eq(w.files[0].key, "pcap/2023/11/14/22/bundle_13_1.pcap");
	cr_assert_eq(w.files[0].flows, 6);
	cr_assert_eq(w.files[0].packets, 11);
	cr_assert_eq(w.files[0].reason, END_MINUTE);
	cr_assert_eq(w.files[0].last_ns, T0 + 9);
}

Test(agg, bundle_none_gives_every_flow_a_file_and_all_gives_none_one)
{
	struct agg_limits l = world_limits;

	l.bundling = BUNDLE_NONE;
	with(l);
	SEND(&w, 0, frame_tcp(A, 4000, B, 80, TCP_SYN, 1, 0));
	world_tick(&w, 61 * SECOND);
	cr_assert(world_file(&w, "_4000_80.pcap"));
	l.bundling = BUNDLE_ALL;
	with(l);
	talk(0, 4000, 1, 10);
	world_tick(&w, 61 * SECOND);
	world_tick(&w, 130 * SECOND);
	cr_assert_eq(w.n, 1);
	cr_assert(w.files[0].bundle);
}

Test(agg, a_full_bundle_is_sealed_and_a_flow_larger_than_a_bundle_is_a_file)
{
	struct agg_limits l = world_limits;

	l.bundle_bytes = 1000;
	with(l);
	/* 70 bytes with its header each: 14 fit. */
	for (int i = 0; i < 20; i++)
		SEND(&w, i, frame_tcp(A, 4000 + i, B, 80, TCP_SYN, 1, 0));
	/* The responder alone speaks, 2 x 1054 bytes. */
	SEND(&w, 30, frame_tcp(A, 5000, B, 80, TCP_SYN, 1, 0));
	SEND(&w, 31, frame_tcp(B, 80, A, 5000, TCP_ACK, 1, 1000));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.n, 2);
	cr_assert_eq(w.files[0].reason, END_FULL);
	cr_assert_eq(w.files[0].packets, 14);
	cr_assert(w.files[1].file_bytes > 1000 && !w.files[1].bundle);
}

Test(agg, another_link_type_ends_flow_and_bundle)
{
	struct frame f = frame_tcp(A, 4000, B, 80, TCP_SYN, 1, 0);
	struct agg_packet raw = {0, T0 + 5, (uint32_t)f.n - 14, (uint32_t)f.n - 14, 101, f.b + 14};

	world_packet(&w, 0, f.b, f.n);
	raw.number = w.next++;
	agg_packet(&w.agg, &raw);
	cr_assert_eq(w.agg.counts.ended[END_REUSE], 1);
	world_tick(&w, 61 * SECOND);
	/* Two bundles, for a file has one link type. */
	cr_assert_eq(w.n, 1);
	cr_assert_eq(w.files[0].reason, END_FULL);
	world_tick(&w, 130 * SECOND);
	cr_assert_eq(w.n, 2);
	cr_assert_eq(w.files[1].p[20], 101);
}

Test(agg, a_syn_with_a_new_isn_ends_the_flow)
{
	talk(0, 4000, 77, 10);
	SEND(&w, 5000, frame_tcp(A, 4000, B, 80, TCP_SYN, 77, 0)); /* retransmitted */
	cr_assert_eq(w.agg.counts.ended[END_REUSE], 0);
	SEND(&w, 6000, frame_tcp(B, 80, A, 4000, TCP_SYNACK, 1234, 0)); /* another answer is none */
	cr_assert_eq(w.agg.counts.ended[END_REUSE], 0);
	talk(10000, 4000, 78, 10);
	cr_assert_eq(w.agg.counts.ended[END_REUSE], 1);
	talk(20000, 4000, 79, 10);
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.n, 3);
	/* All three began in the same second. */
	cr_assert(world_file(&w, "_4000_80.pcap"));
	cr_assert_eq(world_file(&w, "_4000_80_2.pcap")->packets, 4);
	cr_assert(world_file(&w, "_4000_80_3.pcap"));
}

Test(agg, a_name_comes_again_only_with_a_number_even_after_the_first_is_long_sealed)
{
	SEND(&w, 0, frame_tcp(A, 4000, B, 80, TCP_SYN, 1, 3));
	SEND(&w, SECOND / 2,
	     frame_tcp(A, 4000, B, 80, TCP_SYN, 2, 3)); /* ends the first within its second */
	SEND(&w, 2 * SECOND,
	     frame_tcp(A, 4000, B, 80, TCP_SYN, 3, 3)); /* another second, another name */
	world_tick(&w, 90 * SECOND);
	cr_assert(world_file(&w, "/1700000000_10.0.0.1_10.0.0.2_4000_80.pcap"));
	cr_assert(world_file(&w, "/1700000000_10.0.0.1_10.0.0.2_4000_80_2.pcap"));
	cr_assert(world_file(&w, "/1700000002_10.0.0.1_10.0.0.2_4000_80.pcap"));
}

Test(agg, an_old_flow_is_cut_and_its_rest_knows_the_initiator)
{
	SEND(&w, 0, frame_tcp(A, 4000, B, 80, TCP_SYN, 1, 0));
	for (uint64_t s = 30; s < 3700; s += 30)
		SEND(&w, s * SECOND, frame_tcp(B, 80, A, 4000, TCP_ACK, 1, 5));
	cr_assert_eq(w.agg.counts.ended[END_AGE], 1);
	SEND(&w, 3700 * SECOND, frame_tcp(A, 4000, B, 80, TCP_ACK, 2, 5));
	world_tick(&w, 3800 * SECOND);
	/* The rest began with a packet of B's. */
	cr_assert(world_file(&w, "/1700003600_10.0.0.1_10.0.0.2_4000_80.pcap"));
}

Test(agg, each_class_expires_on_its_own)
{
	SEND(&w, 0, frame_tcp(A, 1, B, 80, TCP_SYN, 1, 0));
	SEND(&w, 30 * SECOND, frame_udp(A, 1, B, 80, 5));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.agg.counts.flows_bundled, 1);
	SEND(&w, 70 * SECOND, frame_tcp(A, 1, B, 80, TCP_SYN, 1, 0));
	world_tick(&w, 91 * SECOND);
	cr_assert_eq(w.agg.counts.flows_sealed, 1);
	cr_assert_eq(w.agg.table.used, 1);
}

Test(agg, the_rest_of_a_cut_flow_does_not_change_its_mind)
{
	SEND(&w, 0, frame_tcp(A, 4000, B, 80, TCP_SYN, 1, 0));
	for (int i = 0; i < 800; i++)
		SEND(&w, i, frame_tcp(A, 4000, B, 80, TCP_ACK, (uint32_t)i * 1400, 1400));
	cr_assert_eq(w.agg.counts.ended[END_SIZE], 1);
	SEND(&w, SECOND, frame_tcp(B, 80, A, 4000, TCP_SYN, 5, 0));
	world_tick(&w, 62 * SECOND);
	cr_assert_eq(w.n, 2);
	cr_assert(strstr(w.files[1].key, "_10.0.0.1_10.0.0.2_4000_80_2.pcap"));
}

Test(agg, a_large_flow_is_cut_by_size)
{
	for (int i = 0; i < 1000; i++)
		SEND(&w, i, frame_tcp(A, 4000, B, 80, TCP_ACK, (uint32_t)i * 1400, 1400));
	cr_assert_eq(w.agg.counts.ended[END_SIZE], 1);
	cr_assert_leq(w.files[0].file_bytes, world_limits.max_flow_bytes + 24);
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.files[0].packets + w.files[1].packets, 1000);
	cr_assert(world_file(&w, "_4000_80_2.pcap"));
}

Test(agg, under_pressure_of_flows_those_without_data_go_first_and_oldest_first)
{
	struct agg_limits l = world_limits;

	l.max_flows = 16;
	with(l);
	talk(0, 1, 1, 10); /* the oldest of all, with data */
	for (int i = 0; i < 15; i++)
		SEND(&w, 100 + i, frame_tcp(A, 100 + i, B, 80, TCP_SYN, 1, 0));
	cr_assert_eq(w.agg.counts.evicted_plain, 0);
	SEND(&w, 200,
	     frame_tcp(A, 100, B, 80, TCP_SYN, 1, 0)); /* full: even a known one makes room */
	cr_assert_eq(w.agg.counts.evicted_plain, 1);
	for (int i = 0; i < 30; i++)
		SEND(&w, 300 + i, frame_tcp(A, 200 + i, B, 80, TCP_SYN, 1, 0));
	cr_assert_eq(w.agg.counts.evicted_data, 0);
	/* The conversation is whole. */
	SEND(&w, 400, frame_tcp(A, 1, B, 80, TCP_ACK, 12, 10));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(world_file(&w, "_1_80.pcap")->packets, 5);
	/* Data everywhere: then the longest unseen goes. */
	for (int i = 0; i < 17; i++)
		SEND(&w, 70 * SECOND + (uint64_t)i, frame_udp(A, 1000 + i, B, 80, 5));
	cr_assert_eq(w.agg.counts.evicted_data, 1);
	cr_assert_eq(world_file(&w, "_1000_80_udp.pcap")->reason, END_PRESSURE);
}

Test(agg, a_flood_does_not_displace_who_has_answered)
{
	struct agg_limits l = world_limits;

	l.max_flows = 16;
	with(l);
	for (int i = 0; i < 2; i++) { /* 0 acknowledges, 1 is a host that never asked */
		SEND(&w, 0, frame_tcp(A, 1 + i, B, 80, TCP_SYN, 5, 0));
		SEND(&w, 1, frame_tcp(B, 80, A, 1 + i, TCP_SYNACK, 9, 0));
		SEND(&w, 2, frame_tcp(A, 1 + i, B, 80, i ? TCP_RST | TCP_ACK : TCP_ACK, 6, 0));
	}
	/* Nothing was answered here that could be acknowledged. */
	SEND(&w, 3, frame_tcp(A, 3, B, 80, TCP_ACK, 6, 0));
	SEND(&w, 4, frame_tcp(A, 3, B, 80, TCP_ACK, 6, 0));
	for (int i = 0; i < 500; i++)
		SEND(&w, 10 + i, frame_tcp(C, 100 + i, B, 80, TCP_SYN, 1, 0));
	SEND(&w, 600, frame_tcp(A, 1, B, 80, TCP_ACK, 6, 40));
	SEND(&w, 600, frame_tcp(A, 2, B, 80, TCP_ACK, 6, 40));
	SEND(&w, 600, frame_tcp(A, 3, B, 80, TCP_ACK, 6, 40));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(world_file(&w, "_1_80.pcap")->packets, 4);
	cr_assert_eq(world_file(&w, "_2_80.pcap")->packets, 1);
	cr_assert_eq(world_file(&w, "_3_80.pcap")->packets, 1);
	/* Silence is bundled all the same. */
	SEND(&w, 100 * SECOND, frame_tcp(A, 7, B, 80, TCP_SYN, 5, 0));
	SEND(&w, 100 * SECOND, frame_tcp(B, 80, A, 7, TCP_SYNACK, 9, 0));
	SEND(&w, 100 * SECOND, frame_tcp(A, 7, B, 80, TCP_ACK, 6, 0));
	uint64_t before = w.agg.counts.flows_bundled;
	world_tick(&w, 161 * SECOND);
	cr_assert_eq(w.agg.counts.flows_bundled, before + 1);
}

Test(agg, under_pressure_of_bytes_flows_go_and_none_is_lost)
{
	for (int i = 0; i < 5000; i++)
		SEND(&w, i, frame_udp(A, i % 500, B, 80, 1400));
	cr_assert_gt(w.agg.counts.evicted_data, 0);
	cr_assert_leq((uint64_t)w.agg.pool.used * PACKET_POOL_BLOCK, world_limits.max_bytes);
	world_tick(&w, 61 * SECOND);
	uint64_t packets = 0;
	for (size_t i = 0; i < w.n; i++)
		packets += w.files[i].packets;
	cr_assert_eq(packets, 5000);
	cr_assert_eq(w.agg.pool.used, 0);
}

Test(agg, in_keeps_the_initiators_packets_only)
{
	struct agg_limits l = world_limits;

	l.initiator_only = true;
	with(l);
	talk(0, 4000, 77, 100);
	/* Only answers: nothing is left of it. */
	SEND(&w, 1, frame_tcp(B, 80, C, 4000, TCP_SYNACK, 9, 0));
	SEND(&w, 2, frame_tcp(A, 1, C, 4000, TCP_SYN, 9, 0));
	SEND(&w, 3, frame_tcp(C, 4000, A, 1, TCP_SYNACK, 9, 0));
	world_tick(&w, 61 * SECOND);
	world_tick(&w, 130 * SECOND);
	cr_assert_eq(w.n, 2);
	cr_assert_eq(world_file(&w, "_4000_80.pcap")->packets, 2);
	cr_assert_eq(w.files[1].packets, 1);
	cr_assert(w.files[1].bundle);
	cr_assert_eq(w.agg.counts.other_side, 4);
}

Test(agg, what_the_host_itself_began_is_not_kept)
{
	static struct home home;
	struct agg_limits l = world_limits;

	cr_assert_eq(home_add(&home, "10.0.0.2"), 0);
	l.home = &home;
	with(l);
	/* B is ours. Its upload and its look-up go; a visitor's talk stays. */
	SEND(&w, 0, frame_tcp(B, 5000, A, 443, TCP_SYN, 9, 0));
	SEND(&w, 1, frame_tcp(A, 443, B, 5000, TCP_SYNACK, 9, 0));
	SEND(&w, 2, frame_tcp(B, 5000, A, 443, TCP_ACK, 10, 100));
	SEND(&w, 3, frame_udp(B, 5001, C, 53, 30));
	SEND(&w, 4, frame_udp(C, 53, B, 5001, 90));
	SEND(&w, 5, frame_tcp(A, 5002, B, 80, TCP_SYN, 9, 0));
	SEND(&w, 6, frame_tcp(A, 5002, B, 80, TCP_ACK, 10, 10));
	/* Whether this one was ours was not seen: it stays. */
	SEND(&w, 7, frame_tcp(B, 5003, A, 80, TCP_ACK, 10, 10));
	/* A forged source that is one of ours: it stays. */
	SEND(&w, 8, frame_tcp(B, 5004, B, 80, TCP_SYN, 9, 20));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.agg.counts.own, 5);
	cr_assert_eq(w.n, 3);
	cr_assert_eq(world_file(&w, "_5002_80.pcap")->packets, 2);
	cr_assert_not_null(world_file(&w, "_5003_80.pcap"));
	cr_assert_not_null(world_file(&w, "_5004_80.pcap"));
	cr_assert(world_balance(&w));
}

Test(agg, time_that_runs_backwards_loses_no_flow_and_makes_none_immortal)
{
	SEND(&w, 3600 * SECOND, frame_udp(A, 1, B, 1, 5));
	SEND(&w, 0, frame_udp(A, 2, B, 2, 5)); /* an hour back */
	cr_assert_eq(w.agg.counts.set_back, 1);
	cr_assert_eq(w.n, 0);
	world_tick(&w, 59 * SECOND);
	cr_assert_eq(w.n, 0);
	world_tick(&w, 60 * SECOND);
	cr_assert_eq(w.n, 2, "both were silent for a minute");
}

Test(agg, small_disorder_is_no_step)
{
	SEND(&w, SECOND, frame_udp(A, 1, B, 1, 5));
	SEND(&w, 0, frame_udp(A, 1, B, 1, 5));
	SEND(&w, 2 * SECOND, frame_udp(A, 1, B, 1, 5));
	cr_assert_eq(w.agg.counts.set_back, 0);
	cr_assert_eq(w.agg.clock.now, SECOND);
}

Test(agg, seconds_lived_twice_give_no_name_twice)
{
	SEND(&w, 100 * SECOND, frame_udp(A, 1, B, 1, 5));
	world_tick(&w, 200 * SECOND);
	SEND(&w, 100 * SECOND, frame_udp(A, 1, B, 1, 5));
	world_tick(&w, 200 * SECOND);
	SEND(&w, 100 * SECOND, frame_udp(A, 1, B, 1, 5));
	world_tick(&w, 300 * SECOND);
	SEND(&w, 400 * SECOND, frame_udp(A, 1, B, 1, 5)); /* a new second: no number */
	world_tick(&w, 500 * SECOND);
	cr_assert_eq(w.n, 4);
	cr_assert(world_file(&w, "/1700000100_10.0.0.1_10.0.0.2_1_1_udp.pcap"));
	cr_assert(world_file(&w, "/1700000100_10.0.0.1_10.0.0.2_1_1_udp_1001.pcap"));
	cr_assert(world_file(&w, "/1700000100_10.0.0.1_10.0.0.2_1_1_udp_2001.pcap"));
	cr_assert(world_file(&w, "/1700000400_10.0.0.1_10.0.0.2_1_1_udp.pcap"));
}

Test(agg, a_thousand_flows_of_one_tuple_in_one_second_have_a_thousand_names)
{
	for (uint32_t i = 0; i < 2500; i++)
		SEND(&w, i, frame_tcp(A, 4000, B, 80, TCP_SYN, i, 1));
	world_tick(&w, 61 * SECOND);
	cr_assert_eq(w.n, 2500);
	for (size_t i = 1; i < w.n; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(w.files[i].key, w.files[j].key);
}

Test(agg, memory_goes_back_after_a_flood)
{
	struct agg_limits l = world_limits;

	l.max_flows = 20000;
	l.max_bytes = 64 << 20;
	with(l);
	for (int i = 0; i < 15000; i++)
		SEND(&w, i, frame_udp(i % 250, i / 250, B, 80, 1000));
	cr_assert_gt(w.agg.pool.fresh, 60000);
	SEND(&w, SECOND, frame_udp(A, 1, C, 1, 5));
	for (uint64_t s = 1; s < 80; s++) {
		world_tick(&w, s * SECOND);
		if (s % 10 == 0)
			SEND(&w, s * SECOND, frame_udp(A, 1, C, 1, 5));
	}
	cr_assert_eq(w.agg.table.used, 1);
	cr_assert_lt(w.agg.pool.fresh, 100000);
	/* The flow that stayed is intact. */
	world_tick(&w, 200 * SECOND);
	cr_assert_eq(world_file(&w, "/1700000001_10.0.0.1_10.0.0.3_1_1_udp.pcap")->packets, 8);
	cr_assert_eq(w.agg.pool.used, 0);
}
