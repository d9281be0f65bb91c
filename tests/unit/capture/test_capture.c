/* capture: what it remembers, what it reads of interfaces, and how packets go out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/capture_count.h"
#include "capture/capture_state.h"
#include "capture/feed.h"
#include "capture/flusher.h"
#include "capture/iface.h"
#include "capture/outlet.h"
#include "capture/ring.h"
#include "pkt/capfile.h"
#include "rt/loop.h"
#include "rt/route.h"

#define SECOND UINT64_C(1000000000)

Test(state, comes_back)
{
	struct capture_state s = {true, UINT64_MAX, UINT64_MAX - 1, 7, 8, "enp0s31f6"}, t;
	char text[CAPTURE_STATE_BYTES];

	capture_state_encode(&s, text);
	cr_assert_eq(capture_state_decode(text, sizeof text, &t), 0);
	cr_assert(t.clean && t.next == s.next && t.alive_ns == s.alive_ns && t.rx_packets == 7 &&
		  t.tx_packets == 8);
	cr_assert_str_eq(t.interface, s.interface);
	s.interface[0] = '\0';
	s.clean = false;
	capture_state_encode(&s, text);
	cr_assert_eq(capture_state_decode(text, sizeof text, &t), 0);
	cr_assert(!t.clean && !t.interface[0]);
}

Test(state, other_bytes_are_refused)
{
	struct capture_state s = {true, 5, 6, 7, 8, "eth0"}, t;
	char text[CAPTURE_STATE_BYTES], zero[CAPTURE_STATE_BYTES] = {0};

	capture_state_encode(&s, text);
	cr_assert_eq(capture_state_decode(text, sizeof text - 1, &t), -EBADMSG);
	cr_assert_eq(capture_state_decode(zero, sizeof zero, &t), -EBADMSG);
	text[15] = '2'; /* another version */
	cr_assert_eq(capture_state_decode(text, sizeof text, &t), -EBADMSG);
}

Test(state, the_file_belongs_to_one_capture)
{
	char dir[] = "/tmp/lurker-state-XXXXXX", path[64];
	struct capture_state s, t;
	bool broken;
	int fd, other;

	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/state", dir);
	cr_assert_eq(capture_state_open(path, &s, &broken, &fd), 0);
	cr_assert(s.clean && !s.next && !broken, "a new one");
	s = (struct capture_state){false, 100, 200, 1, 2, "eth0"};
	cr_assert_eq(capture_state_save(fd, &s), 0);
	cr_assert_eq(capture_state_open(path, &t, &broken, &other), -EBUSY);
	close(fd);
	cr_assert_eq(capture_state_open(path, &t, &broken, &fd), 0);
	cr_assert(!t.clean && t.next == 100 && !broken);
	cr_assert_eq(ftruncate(fd, 10), 0);
	close(fd);
	cr_assert_eq(capture_state_open(path, &t, &broken, &fd), 0);
	cr_assert(t.clean && broken);
	close(fd);
	cr_assert_eq(capture_state_open("/nowhere/state", &t, &broken, &fd), -ENOENT);
	unlink(path);
	rmdir(dir);
}

Test(state, a_hole_is_what_an_unclean_end_left)
{
	struct capture_state was = {true, 5, 1000, 70, 80, "eth0"};
	struct hole h;

	cr_assert_not(capture_state_hole(&was, "eth0", 3000, 100, 100, &h), "a clean end");
	was.clean = false;
	cr_assert(capture_state_hole(&was, "eth0", 3000, 100, 101, &h));
	cr_assert(h.from_ns == 1000 && h.to_ns == 3000 && h.rx_packets == 30 && h.tx_packets == 21);
	cr_assert(capture_state_hole(&was, "eth0", 3000, 9, 101, &h));
	cr_assert(h.rx_packets == 9 && h.tx_packets == 21, "the machine was started anew");
	cr_assert(capture_state_hole(&was, "eth1", 3000, 100, 101, &h));
	cr_assert(h.rx_packets == 0 && h.tx_packets == 0, "another interface counts otherwise");
	was.interface[0] = '\0';
	cr_assert_not(capture_state_hole(&was, "eth0", 3000, 100, 101, &h), "a file");
}

Test(iface, default_route)
{
	char name[IFACE_NAME];

	cr_assert_eq(route_find4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
				 "eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
				 "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
				 name),
		     0);
	cr_assert_str_eq(name, "eth0");
	/* 0.0.0.0/1 is not the default route. */
	cr_assert_eq(route_find4("h\ntun0\t00000000\t0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", name),
		     -ENODEV);
	cr_assert_eq(route_find4("", name), -ENODEV);
	cr_assert_eq(
		route_find6(
			"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
			"00000000000000000000000000000000 00000100 00000001 00000000 00000001     "
			"eth1\n"
			"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
			"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200      "
			" lo\n"
			"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
			"fe800000000000000000000000000001 00000400 00000005 00000000 00450003     "
			"eth2\n",
			name),
		0);
	cr_assert_str_eq(name, "eth2");
	cr_assert_eq(route_find6("", name), -ENODEV);
}

Test(iface, what_the_kernel_says)
{
	uint64_t rx, tx;
	int index;

	cr_assert(iface_up("lo", &index) || index > 0);
	iface_counters("lo", &rx, &tx);
	cr_assert_eq(rx, tx);
	cr_assert_not(iface_up("nosuchif", &index));
	cr_assert_eq(index, 0);
	cr_assert_not(iface_up("../../etc", &index));
	cr_assert_not(iface_up("", &index));
	iface_counters("nosuchif", &rx, &tx);
	cr_assert(!rx && !tx);
}

Test(ring, filters_are_checked)
{
	char err[256];

	cr_assert_eq(
		ring_check_filter("tcp port 80 and not host 10.0.0.1", 262144, err, sizeof err), 0);
	cr_assert_eq(ring_check_filter("tcp prt 80", 262144, err, sizeof err), -EINVAL);
	cr_assert(err[0]);
}

Test(flusher, flushes_in_order_and_closes_everything)
{
	struct flusher *f;
	int fds[100];

	cr_assert_eq(flusher_new(&f), 0);
	cr_assert(flusher_idle(f));
	for (int i = 0; i < 100; i++) {
		char path[] = "/tmp/lurker-flusher-XXXXXX";
		fds[i] = mkstemp(path);
		unlink(path);
		cr_assert_eq(write(fds[i], "x", 1), 1);
		flusher_take(f, fds[i]);
	}
	cr_assert_eq(flusher_error(f), 0);
	flusher_free(&f);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(fcntl(fds[i], F_GETFD), -1);
	cr_assert_eq(flusher_new(&f), 0);
	flusher_take(f, open("/dev/null", O_WRONLY)); /* cannot be flushed */
	while (!flusher_idle(f))
		usleep(100);
	cr_assert_eq(flusher_error(f), -EINVAL);
	cr_assert_eq(flusher_error(f), 0, "said once");
	flusher_free(&f);
	flusher_free(&f);
}

/* The way out, with a real journal and a bus that nobody listens to. */
static char dir[64];
static struct loop *loop;
static struct bus *bus;
static struct outlet out;
static uint64_t m[CAPTURE_COUNTS];

static void setup(void)
{
	static const struct journal_limits limits = {1 << 16, 1 << 20};
	struct journal *j;
	char err[256], path[80];

	strcpy(dir, "/tmp/lurker-capture-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(loop_new(&loop), 0);
	struct bus_options o = {.sensor = "t", .producer = "capture", .run_dir = dir, .hwm = 10};
	cr_assert_eq(bus_new(&o, loop, &bus, err, sizeof err), 0, "%s", err);
	snprintf(path, sizeof path, "%s/journal", dir);
	cr_assert_eq(journal_open(path, limits, 0, &j), 0);
	cr_assert_eq(outlet_init(&out, &j, bus, m), 0);
	cr_assert_null(j);
}

static void teardown(void)
{
	char cmd[128];

	outlet_fini(&out);
	outlet_fini(&out);
	bus_free(&bus, 0);
	loop_free(&loop);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(outlet, .init = setup, .fini = teardown);
TestSuite(feed, .init = setup, .fini = teardown);

static const uint8_t bytes[1500] = "packet";

Test(outlet, everything_taken_is_written_or_counted)
{
	static uint8_t big[CAPFILE_MAX_PACKET + 1];

	for (int i = 0; i < 1000; i++)
		outlet_packet(&out, 1, (uint64_t)i + 1, 60, 60, bytes);
	outlet_packet(&out, 1, 5, sizeof big, sizeof big, big);
	outlet_packet(&out, 1, 5, 0, 0, bytes);
	outlet_packet(&out, 101, 2000, 40, 1500, bytes); /* another link, cut off */
	outlet_tick(&out, 3000);
	cr_assert_eq(m[CAPTURE_RECEIVED], 1003);
	cr_assert_eq(m[CAPTURE_PACKETS], 1001);
	cr_assert_eq(m[CAPTURE_TICKS], 1);
	cr_assert_eq(m[CAPTURE_DROPPED_SIZE], 1);
	cr_assert_eq(m[CAPTURE_DROPPED_EMPTY], 1);
	cr_assert_eq(m[CAPTURE_PACKET_BYTES], 60040);
	cr_assert_eq(m[CAPTURE_BATCHES], 5);
	cr_assert_eq(bus_counts(bus).published, 5);
	cr_assert_eq(out.alive_ns, 3000);
	cr_assert_eq(journal_next_number(out.journal), 1003);
}

Test(outlet, a_tick_finds_room_in_a_full_batch)
{
	for (int i = 0; i < JOURNAL_BATCH; i++)
		outlet_packet(&out, 1, 1, 60, 60, bytes);
	outlet_tick(&out, 3);
	cr_assert_eq(m[CAPTURE_PACKETS] + m[CAPTURE_TICKS], JOURNAL_BATCH + 1);
}

Test(outlet, what_the_disk_refuses_is_counted_and_work_goes_on)
{
	struct rlimit limit = {2000, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 100; i++)
		outlet_packet(&out, 1, 1, 60, 60, bytes);
	outlet_tick(&out, 3);
	cr_assert_eq(m[CAPTURE_PACKETS], (2000 - 24) / 76);
	cr_assert_eq(m[CAPTURE_PACKETS] + m[CAPTURE_DROPPED_JOURNAL], 100);
	cr_assert_eq(out.error, -EFBIG);
	limit.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	outlet_packet(&out, 1, 1, 60, 60, bytes);
	outlet_flush(&out);
	cr_assert_eq(m[CAPTURE_PACKETS] + m[CAPTURE_DROPPED_JOURNAL], 101);
	cr_assert_eq(out.error, 0);
	cr_assert_eq(journal_next_number(out.journal), m[CAPTURE_PACKETS] + 1);
}

/* A capture file of n packets, a second apart. */
static void make_file(char path[128], int n, int cut)
{
	uint8_t head[PCAP_FILE_HEADER], rec[PCAP_RECORD_HEADER];

	snprintf(path, 128, "%s/in.pcap", dir);
	FILE *f = fopen(path, "w");
	pcap_put_header(head, 1, 65535);
	fwrite(head, sizeof head, 1, f);
	for (int i = 0; i < n; i++) {
		pcap_put_record(rec, (uint64_t)(100 + i) * SECOND, 1500, 1500);
		fwrite(rec, sizeof rec, 1, f);
		fwrite(bytes, 1500, 1, f);
	}
	fclose(f);
	if (cut)
		cr_assert_eq(truncate(path, 24 + n * 1516 - cut), 0);
}

static const char *filter;

static struct feed *open_feed(const char *path, int64_t pace, uint64_t bound)
{
	static char journal[80];
	struct feed *f;
	char err[128] = "";

	snprintf(journal, sizeof journal, "%s/journal", dir);
	struct feed_options o = {path, pace, bound, filter, journal};
	cr_assert_eq(feed_open(&o, &f, err, sizeof err), 0, "%s", err);
	return f;
}

Test(feed, a_file_goes_out_as_it_is)
{
	char path[128];

	make_file(path, 600, 0);
	struct feed *f = open_feed(path, 0, 1 << 30);
	enum feed_state s;
	int steps = 0;
	while ((s = feed_step(f, &out, 0)) == FEED_MORE)
		steps++;
	cr_assert_eq(s, FEED_END);
	cr_assert_eq(steps, 2);
	cr_assert_eq(m[CAPTURE_PACKETS], 600);
	cr_assert_eq(feed_last_ns(f), 699 * SECOND);
	cr_assert_not(feed_waiting(f));
	feed_close(&f);
	feed_close(&f);
}

Test(feed, a_broken_file_is_fed_up_to_where_it_breaks)
{
	char path[128];

	make_file(path, 10, 100);
	struct feed *f = open_feed(path, 0, 1 << 30);
	cr_assert_eq(feed_step(f, &out, 0), FEED_BROKEN);
	cr_assert(feed_error(f)[0]);
	cr_assert_eq(m[CAPTURE_PACKETS], 9);
	feed_close(&f);
}

Test(feed, the_filter_holds_for_files_too)
{
	char path[128];

	make_file(path, 10, 0);
	filter = "len = 1500";
	struct feed *f = open_feed(path, 0, 1 << 30);
	cr_assert_eq(feed_step(f, &out, 0), FEED_END);
	cr_assert_eq(m[CAPTURE_RECEIVED], 10);
	feed_close(&f);
	filter = "arp";
	f = open_feed(path, 0, 1 << 30);
	cr_assert_eq(feed_step(f, &out, 0), FEED_END);
	cr_assert_eq(m[CAPTURE_RECEIVED], 10);
	feed_close(&f);
	filter = "wlan type mgt"; /* not on Ethernet */
	f = open_feed(path, 0, 1 << 30);
	cr_assert_eq(feed_step(f, &out, 0), FEED_BROKEN);
	cr_assert(strstr(feed_error(f), "filter"));
	feed_close(&f);
}

Test(feed, pace_follows_the_files_own_time)
{
	char path[128];

	make_file(path, 10, 0);
	struct feed *f = open_feed(path, 2, 1 << 30);
	cr_assert_eq(feed_step(f, &out, 50 * SECOND), FEED_LATER);
	cr_assert_eq(m[CAPTURE_PACKETS], 1);
	cr_assert_eq(feed_step(f, &out, 51 * SECOND), FEED_LATER);
	cr_assert_eq(m[CAPTURE_PACKETS], 3);
	cr_assert_eq(feed_step(f, &out, 90 * SECOND), FEED_END);
	cr_assert_eq(m[CAPTURE_PACKETS], 10);
	feed_close(&f);
}

Test(feed, it_waits_for_flowagg_before_the_journal_would_lose_anything)
{
	char path[128], journal[80];

	make_file(path, 5000, 0); /* 7.5 MB into a journal of 1 MiB */
	struct feed *f = open_feed(path, 0, 1 << 20);
	snprintf(journal, sizeof journal, "%s/journal", dir);
	enum feed_state s;
	int waits = 0;
	while ((s = feed_step(f, &out, 0)) == FEED_MORE || s == FEED_LATER) {
		if (s == FEED_MORE)
			continue;
		cr_assert(feed_waiting(f));
		cr_assert_eq(feed_step(f, &out, 0), FEED_LATER);
		waits++;
		cr_assert_eq(journal_use(out.journal).removed_unread, 0);
		journal_mark_set(journal, "flowagg", journal_next_number(out.journal));
	}
	cr_assert_eq(s, FEED_END);
	cr_assert_gt(waits, 3);
	cr_assert_eq(journal_use(out.journal).removed_unread, 0);
	cr_assert_eq(m[CAPTURE_PACKETS], 5000);
	feed_close(&f);
}

Test(feed, what_is_no_file)
{
	struct feed_options o = {"/nowhere/x.pcap", 0, 1 << 20, NULL, "/nowhere"};
	struct feed *f;
	char err[128] = "";

	cr_assert_eq(feed_open(&o, &f, err, sizeof err), -ENOENT);
}
