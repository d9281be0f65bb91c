/* Shedding: who is shed and for how long, and the kernel's own judgement on the program. */
#include <criterion/criterion.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "responder/shed.h"

#define SECOND UINT64_C(1000000000)

static struct shed s;

static void refuse(const char *src, int times)
{
	struct addr a = ip(src);

	for (int i = 0; i < times; i++)
		shed_refused(&s, &a);
}

static bool is_shed(const char *src)
{
	struct addr a = ip(src);

	return shed_syn(&s, &a);
}

Test(shed, begins_at_its_rate_and_ends)
{
	shed_init(&s, 1000);
	refuse("198.51.100.7", 999);
	cr_assert(!shed_tick(&s, 10 * SECOND));
	cr_assert(!is_shed("198.51.100.7"));
	refuse("198.51.100.7", 600);
	refuse("198.51.100.200", 400);
	cr_assert(shed_tick(&s, 11 * SECOND) && s.active == 1);
	cr_assert(is_shed("198.51.100.1") && !is_shed("198.51.101.1"));
	/* One sampled stands for many: the flood goes on. */
	refuse("198.51.100.7", 1000 / SHED_SAMPLE + 1);
	cr_assert(!shed_tick(&s, 20 * SECOND));
	cr_assert(!shed_tick(&s, 29 * SECOND) && s.active == 1);
	cr_assert(shed_tick(&s, 30 * SECOND) && s.active == 0);
	cr_assert(!is_shed("198.51.100.1"));
}

Test(shed, off)
{
	shed_init(&s, 0);
	refuse("198.51.100.7", 100000);
	cr_assert(!shed_tick(&s, SECOND) && s.active == 0);
}

Test(shed, many_small_offenders_shed_nobody)
{
	char text[32];

	shed_init(&s, 1000);
	for (int round = 0; round < 100; round++)
		for (int i = 0; i < 1000; i++) {
			snprintf(text, sizeof(text), "10.%d.%d.1", i / 250, i % 250);
			refuse(text, 1);
		}
	cr_assert(!shed_tick(&s, SECOND));
	/* A big one among them is found. */
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.1", i / 250, i % 250);
		refuse(text, 1);
		refuse("198.51.100.7", 5);
	}
	cr_assert(shed_tick(&s, SECOND));
	cr_assert(is_shed("198.51.100.7") && s.active == 1);
}

/* How many of `times` frames the kernel lets through. */
static int passes(const char *src, const char *dst, uint8_t flags, int times)
{
	struct sock_filter insns[SHED_INSNS + 1];
	struct sock_fprog program = {.filter = insns};
	size_t n = shed_program(&s, insns), len;
	uint8_t frame[FRAME_MAX];
	struct shape x = {.src = ip(src), .dst = ip(dst), .sport = 5, .dport = 80, .flags = flags};
	int fd[2], got = 0;

	cr_assert_leq(n, SHED_INSNS);
	insns[n] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, 65535};
	program.len = (unsigned short)(n + 1);
	len = frame_tcp(&x, frame);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	cr_assert_eq(setsockopt(fd[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	for (int i = 0; i < times; i++) {
		uint8_t back[FRAME_MAX];

		(void)!send(fd[0], frame, len, MSG_DONTWAIT);
		got += recv(fd[1], back, sizeof(back), MSG_DONTWAIT) > 0;
	}
	close(fd[0]);
	close(fd[1]);
	return got;
}

Test(shed, the_program_drops_what_it_should_and_nothing_else)
{
	shed_init(&s, 1000);
	cr_assert_eq(shed_program(&s, NULL), 0, "nothing to shed, nothing to run");
	refuse("198.51.100.7", 2000);
	refuse("192.0.2.7", 2000);
	refuse("2001:db8:77:1::5", 2000);
	refuse("2001:db8:78:1::5", 2000);
	shed_tick(&s, SECOND);
	cr_assert_eq(s.active, 4);
	const char *in4[] = {"198.51.100.200", "192.0.2.1"},
		   *in6[] = {"2001:db8:77:9::5", "2001:db8:78::1"};
	for (int i = 0; i < 2; i++) {
		int v4 = passes(in4[i], "203.0.113.5", TCP_SYN, 6400),
		    v6 = passes(in6[i], "2001:db8:ff::5", TCP_SYN, 6400);

		cr_assert(v4 > 30 && v4 < 300, "about one in %d: %d", SHED_SAMPLE, v4);
		cr_assert(v6 > 30 && v6 < 300, "about one in %d: %d", SHED_SAMPLE, v6);
		cr_assert_eq(passes(in4[i], "203.0.113.5", TCP_ACK, 50), 50, "conversations go on");
		cr_assert_eq(passes(in4[i], "203.0.113.5", TCP_SYN | TCP_ACK, 50), 50);
		cr_assert_eq(passes(in6[i], "2001:db8:ff::5", TCP_ACK, 50), 50);
	}
	cr_assert_eq(passes("198.51.101.7", "198.51.100.7", TCP_SYN, 50), 50, "another prefix");
	cr_assert_eq(passes("2001:db8:79::1", "2001:db8:77::1", TCP_SYN, 50), 50, "another prefix");
	cr_assert_eq(passes("2001:db9:77::1", "2001:db8:ff::1", TCP_SYN, 50), 50, "another prefix");
}

Test(shed, the_fullest_list_is_a_valid_program)
{
	char text[48];

	shed_init(&s, 1);
	for (int i = 0; i < SHED_MAX + 5; i++) {
		snprintf(text, sizeof(text), i % 4 ? "2001:db8:%x::1" : "10.0.%d.1", i + 1);
		refuse(text, 50);
	}
	shed_tick(&s, SECOND);
	cr_assert_eq(s.active, SHED_MAX);
	cr_assert_eq(passes("198.51.101.7", "203.0.113.5", TCP_SYN, 50), 50);
}
