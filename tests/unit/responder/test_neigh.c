/* ARP and neighbour discovery: asked, it probes; free, it answers; claimed, it is silent. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "responder/neigh.h"

#define SECOND UINT64_C(1000000000)

static const uint8_t key[16] = {7}, other[6] = {2, 9, 9, 9, 9, 9}, zero[6];
static struct neigh n;
static struct watch w;
static uint64_t now;
static uint8_t out[256];
static size_t len;

static void begin(void)
{
	struct addr own = ip("203.0.113.1");

	watch_init(&w);
	watch_add(&w, "203.0.113.0/24");
	watch_add(&w, "2001:db8:ff::/64");
	watch_own(&w, &own);
	now = 1000 * SECOND;
	cr_assert_eq(neigh_init(&n, 64, mac_sensor, key), 0);
}

static enum neigh_verdict arp(uint8_t op, const uint8_t *mac, const char *sender,
			      const char *target, uint8_t tags)
{
	uint8_t frame[64] = {0};
	struct addr s = ip(sender), t = ip(target);
	size_t at = 14 + 4U * tags;
	struct pkt p;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	if (tags)
		memcpy(frame + 12, "\x81\0\0\5", 4);
	memcpy(frame + at - 2, "\x08\x06\0\1\x08\0\6\4\0", 9);
	frame[at + 7] = op;
	memcpy(frame + at + 8, mac, 6);
	memcpy(frame + at + 14, s.b, 4);
	memcpy(frame + at + 24, t.b, 4);
	p = frame_pkt(frame, at + 28);
	cr_assert_eq(p.stop, PKT_ARP);
	return neigh_arp(&n, &w, &p, now, out, &len);
}

Test(neigh, the_edges_of_a_subnet_are_nobodys)
{
	struct net n24 = {ip("203.0.113.9"), 24};

	begin();
	watch_attach(&w, &n24);
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.255", 0), NEIGH_IGNORED);
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.0", 0), NEIGH_IGNORED);
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0), NEIGH_PROBED);
}

Test(neigh, arp_probe_then_answer)
{
	begin();
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 1), NEIGH_PROBED);
	/* The probe: broadcast, from nobody, tagged like the question (RFC 5227 section 1.1). */
	cr_assert(len == 46 && out[0] == 0xff && memcmp(out + 6, mac_sensor, 6) == 0 &&
		  out[12] == 0x81 && out[25] == 1);
	cr_assert(memcmp(out + 32, zero, 4) == 0 && memcmp(out + 42, "\xcb\0\x71\5", 4) == 0);
	now += SECOND / 2;
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0), NEIGH_HELD);
	cr_assert_eq(len, 0);
	now += SECOND;
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0), NEIGH_ANSWERED);
	cr_assert(len == 42 && memcmp(out, mac_peer, 6) == 0 &&
		  memcmp(out + 6, mac_sensor, 6) == 0 && out[21] == 2);
	cr_assert(memcmp(out + 22, mac_sensor, 6) == 0 && memcmp(out + 28, "\xcb\0\x71\5", 4) == 0);
	cr_assert(memcmp(out + 32, mac_peer, 6) == 0 && memcmp(out + 38, "\xcb\0\x71\xfe", 4) == 0);
	now += NEIGH_FREE_NS;
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0), NEIGH_PROBED,
		     "too old: asked anew");
	neigh_fini(&n);
}

Test(neigh, arp_claims)
{
	begin();
	/* During the probe, by an answer; afterwards, by any ARP packet; by a probe of its own. */
	arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0);
	cr_assert_eq(arp(2, other, "203.0.113.5", "203.0.113.254", 0), NEIGH_IGNORED);
	now += 2 * SECOND;
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.5", 0), NEIGH_HELD);
	arp(1, mac_peer, "203.0.113.254", "203.0.113.6", 0);
	now += 2 * SECOND;
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.6", 0), NEIGH_ANSWERED);
	cr_assert_eq(arp(1, other, "203.0.113.6", "203.0.113.254", 0), NEIGH_HELD,
		     "254 has spoken itself");
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.6", 0), NEIGH_HELD);
	cr_assert_eq(arp(1, other, "0.0.0.0", "203.0.113.7", 0), NEIGH_IGNORED);
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.7", 0), NEIGH_HELD);
	now += NEIGH_CLAIM_NS;
	cr_assert_eq(arp(1, mac_peer, "198.51.100.1", "203.0.113.7", 0), NEIGH_PROBED);
	neigh_fini(&n);
}

Test(neigh, arp_that_is_none_of_ours)
{
	begin();
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "198.51.100.5", 0), NEIGH_IGNORED,
		     "not watched");
	cr_assert_eq(arp(1, mac_peer, "203.0.113.254", "203.0.113.1", 0), NEIGH_IGNORED,
		     "the host's own");
	cr_assert_eq(arp(1, mac_peer, "203.0.113.9", "203.0.113.9", 0), NEIGH_IGNORED,
		     "gratuitous");
	cr_assert_eq(arp(1, mac_sensor, "203.0.113.1", "203.0.113.9", 0), NEIGH_IGNORED,
		     "from ourselves");
	cr_assert_eq(arp(3, mac_peer, "198.51.100.1", "203.0.113.9", 0), NEIGH_IGNORED,
		     "another operation");
	neigh_fini(&n);
}

static size_t nd_bytes = 32;

static enum neigh_verdict nd(uint8_t type, uint8_t ttl, const char *src, const char *dst,
			     const char *target)
{
	/* With the sender's link-layer address, as RFC 4861 section 4.3 wants it of a multicast
	 * question. */
	uint8_t frame[FRAME_MAX], msg[32] = {type, [24] = 1, [25] = 1, [26] = 2, [31] = 1};
	struct addr t = ip(target);
	struct shape s = {.src = ip(src), .dst = ip(dst)};
	size_t size;
	struct pkt p;

	memcpy(msg + 8, t.b, 16);
	size = frame_ip(&s, 58, ttl, msg, nd_bytes, 2, frame);
	p = frame_pkt(frame, size);
	return neigh_icmp6(&n, &w, &p, now, out, &len);
}

#define ASK(type, target) nd(type, 255, "2001:db8:1::2", "ff02::1:ff00:5", target)

Test(neigh, solicitation_probe_then_advertisement)
{
	struct pkt a;

	begin();
	cr_assert_eq(ASK(135, "2001:db8:ff::5"), NEIGH_PROBED);
	a = frame_pkt(out, len);
	cr_assert(a.proto == 58 && a.sport == 135 && a.ttl == 255 && pkt_cksum(&a) == CKSUM_OK);
	struct addr group = ip("ff02::1:ff00:5"), any = ip("::"), asker = ip("2001:db8:1::2"),
		    five = ip("2001:db8:ff::5");
	cr_assert(addr_eq(&a.src, &any) && addr_eq(&a.dst, &group) &&
		  memcmp(out, "\x33\x33\xff\0\0\5", 6) == 0);
	now += SECOND;
	cr_assert_eq(ASK(135, "2001:db8:ff::5"), NEIGH_ANSWERED);
	a = frame_pkt(out, len);
	cr_assert(a.sport == 136 && a.ttl == 255 && pkt_cksum(&a) == CKSUM_OK &&
		  addr_eq(&a.src, &five) && addr_eq(&a.dst, &asker));
	const uint8_t *icmp = out + a.l4_off;
	cr_assert(icmp[4] == 0x40 && memcmp(icmp + 8, five.b, 16) == 0 && icmp[24] == 2 &&
		  icmp[25] == 1 && memcmp(icmp + 26, mac_sensor, 6) == 0);
	/* Somebody turns up who has it. */
	cr_assert_eq(nd(136, 255, "2001:db8:ff::5", "2001:db8:1::2", "2001:db8:ff::5"),
		     NEIGH_IGNORED);
	cr_assert_eq(ASK(135, "2001:db8:ff::5"), NEIGH_HELD);
	neigh_fini(&n);
}

Test(neigh, solicitations_without_an_answer)
{
	begin();
	cr_assert_eq(nd(135, 64, "2001:db8:1::2", "ff02::1:ff00:5", "2001:db8:ff::5"),
		     NEIGH_IGNORED, "crossed a router");
	cr_assert_eq(ASK(135, "2001:db8:fe::5"), NEIGH_IGNORED);
	cr_assert_eq(nd(135, 255, "::", "ff02::1:ff00:6", "2001:db8:ff::6"), NEIGH_IGNORED,
		     "duplicate address detection");
	cr_assert_eq(ASK(135, "2001:db8:ff::6"), NEIGH_HELD, "claims it");
	neigh_fini(&n);
}

Test(neigh, an_answer_is_no_longer_than_its_question)
{
	struct pkt a;

	begin();
	nd_bytes = 24;
	cr_assert_eq(ASK(135, "2001:db8:ff::5"), NEIGH_PROBED);
	cr_assert_leq(len, 14 + 40 + 24);
	now += SECOND;
	cr_assert_eq(ASK(135, "2001:db8:ff::5"), NEIGH_ANSWERED);
	a = frame_pkt(out, len);
	cr_assert(a.ip_len == 40 + 24 && a.sport == 136 && pkt_cksum(&a) == CKSUM_OK);
	neigh_fini(&n);
}

Test(neigh, nobodys_addresses_get_no_answer)
{
	static const uint8_t group[6] = {0x01, 0, 0x5e, 0, 0, 1};

	begin();
	cr_assert_eq(arp(1, group, "203.0.113.254", "203.0.113.5", 0), NEIGH_IGNORED);
	cr_assert_eq(nd(135, 255, "ff02::1", "ff02::1:ff00:5", "2001:db8:ff::5"), NEIGH_IGNORED);
	neigh_fini(&n);
}

Test(neigh, bounded_and_claims_stay)
{
	char text[32];

	begin();
	for (int i = 2; i < 250; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i);
		arp(1, mac_peer, "198.51.100.1", text, 0);
	}
	cr_assert_gt(n.evicted, 100);
	/* Claims push out everything else, and then nothing pushes them out. */
	for (int i = 2; i < 250; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i);
		arp(2, other, text, "198.51.100.1", 0);
	}
	now += 2 * SECOND;
	for (int i = 2; i < 250; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i);
		cr_assert_neq(arp(1, mac_peer, "198.51.100.1", text, 0), NEIGH_ANSWERED);
	}
	now += 2 * SECOND;
	for (int i = 2; i < 250; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i);
		cr_assert_neq(arp(1, mac_peer, "198.51.100.1", text, 0), NEIGH_ANSWERED);
	}
	neigh_fini(&n);
}
