/* The kernel filter lets through all that the core answers, tagged or not, and little else. */
#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <string.h>

#include "frames.h"
#include "responder/rules.h"

struct filter {
	struct bpf_program program;
};

static struct filter compile(bool arp, bool icmp)
{
	static struct watch w;
	struct filter f;
	struct buf b;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);

	watch_init(&w);
	watch_add(&w, "203.0.113.0/24");
	watch_add(&w, "198.18.5.5");
	watch_add(&w, "2001:db8:ff::/64");
	portset_add(&w.excluded, "22");
	portset_add(&w.excluded, "7000-7010");
	buf_init(&b, 1 << 16);
	cr_assert_eq(rules_filter(&w, arp, icmp, &b), 0);
	buf_addc(&b, '\0');
	cr_assert_eq(pcap_compile(dead, &f.program, (const char *)b.p, 1, PCAP_NETMASK_UNKNOWN), 0,
		     "%s", pcap_geterr(dead));
	buf_fini(&b);
	pcap_close(dead);
	return f;
}

static bool passes(const struct filter *f, const uint8_t *frame, size_t n)
{
	struct pcap_pkthdr h = {.caplen = (unsigned)n, .len = (unsigned)n};

	return pcap_offline_filter(&f->program, &h, frame) != 0;
}

static bool tcp_passes(const struct filter *f, const char *src, const char *dst, uint16_t port,
		       uint8_t tags, uint8_t ext)
{
	uint8_t frame[FRAME_MAX];
	struct shape s = {
		.src = ip(src), .dst = ip(dst), .sport = 4000, .dport = port, .flags = TCP_SYN};

	s.tags = tags;
	s.tag[0] = 0x88a80001;
	s.tag[1] = 0x81000002;
	s.ext = ext;
	if (tags == 1)
		s.tag[0] = 0x81000003;
	return passes(f, frame, frame_tcp(&s, frame));
}

Test(filter, tcp)
{
	struct filter f = compile(false, false);

	for (uint8_t tags = 0; tags <= 2; tags++) {
		cr_assert(tcp_passes(&f, "198.51.100.2", "203.0.113.200", 80, tags, 0), "%u tags",
			  tags);
		cr_assert(tcp_passes(&f, "198.51.100.2", "198.18.5.5", 80, tags, 0));
		cr_assert(!tcp_passes(&f, "198.51.100.2", "198.18.5.6", 80, tags, 0));
		cr_assert(!tcp_passes(&f, "203.0.113.5", "198.51.100.2", 80, tags, 0),
			  "the way back");
		cr_assert(!tcp_passes(&f, "198.51.100.2", "203.0.113.200", 22, tags, 0));
		cr_assert(!tcp_passes(&f, "198.51.100.2", "203.0.113.200", 7005, tags, 0));
		cr_assert(tcp_passes(&f, "198.51.100.2", "203.0.113.200", 7011, tags, 0));
		cr_assert(tcp_passes(&f, "2001:db8:1::2", "2001:db8:ff::77", 80, tags, 0));
		cr_assert(tcp_passes(&f, "2001:db8:1::2", "2001:db8:ff::77", 80, tags, 1),
			  "extension header");
		cr_assert(tcp_passes(&f, "2001:db8:1::2", "2001:db8:ff::77", 80, tags, 2));
		cr_assert(!tcp_passes(&f, "2001:db8:1::2", "2001:db8:fe::77", 80, tags, 0));
	}
	pcap_freecode(&f.program);
}

Test(filter, others)
{
	struct filter without = compile(false, false), with = compile(true, true);
	uint8_t frame[FRAME_MAX] = {0}, msg[24] = {135};
	struct shape s = {.src = ip("198.51.100.2"), .dst = ip("203.0.113.9")};
	size_t n;

	n = frame_ip(&s, 17, 64, msg, 24, 6, frame);
	cr_assert(!passes(&without, frame, n) && !passes(&with, frame, n), "UDP never");
	msg[0] = 8;
	n = frame_ip(&s, 1, 64, msg, 24, 2, frame);
	cr_assert(!passes(&without, frame, n) && passes(&with, frame, n), "echo on request");
	s.src = ip("2001:db8:1::2");
	s.dst = ip("ff02::1:ff00:9");
	msg[0] = 135;
	n = frame_ip(&s, 58, 255, msg, 24, 2, frame);
	cr_assert(!passes(&without, frame, n) && passes(&with, frame, n), "solicitation");
	memset(frame, 0xff, 12);
	memcpy(frame + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
	cr_assert(!passes(&without, frame, 42) && passes(&with, frame, 42), "ARP");
	pcap_freecode(&without.program);
	pcap_freecode(&with.program);
}

Test(filter, every_header_behind_which_tcp_may_be)
{
	static const uint8_t headers[] = {0, 6, 43, 44, 51, 60, 135};
	struct filter f = compile(false, false);
	uint8_t frame[FRAME_MAX];
	struct shape s = {.src = ip("2001:db8:1::2"),
			  .dst = ip("2001:db8:ff::77"),
			  .sport = 4000,
			  .dport = 80,
			  .ext = 1};
	size_t n = frame_tcp(&s, frame);

	for (size_t i = 0; i < sizeof(headers); i++) {
		frame[14 + 6] = headers[i];
		cr_assert(passes(&f, frame, n), "next header %u", headers[i]);
	}
	frame[14 + 6] = 17;
	cr_assert(!passes(&f, frame, n), "UDP");
	pcap_freecode(&f.program);
}
