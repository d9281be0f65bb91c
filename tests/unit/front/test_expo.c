#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expo.h"

#define S UINT64_C(1000000000)

static struct bus_msg from(const char *producer, uint64_t epoch, uint64_t ts_ns)
{
	return (struct bus_msg){.topic = bytes_str("stat"),
				.sensor = bytes_str("trap"),
				.producer = bytes_str(producer),
				.epoch = epoch,
				.ts_ns = ts_ns};
}

static const char *text_of(struct expo *e, uint64_t now_ns)
{
	static char text[1 << 16];
	struct buf b;
	buf_init(&b, sizeof text - 1);
	cr_assert_eq(expo_write(e, now_ns, &b), 0);
	memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	buf_fini(&b);
	return text;
}

static void has(struct expo *e, uint64_t now_ns, const char *line)
{
	char wanted[256];
	snprintf(wanted, sizeof wanted, "\n%s\n", line);
	cr_expect(strstr(text_of(e, now_ns), wanted), "no %s in\n%s", line, text_of(e, now_ns));
}

static void lacks(struct expo *e, uint64_t now_ns, const char *part)
{
	cr_expect(!strstr(text_of(e, now_ns), part), "%s in\n%s", part, text_of(e, now_ns));
}

Test(expo, values_meet_their_declarations)
{
	struct expo *e = expo_new("here", 5 * S);
	cr_expect_eq(expo_declare(e, "capture",
				  "packets                      counter  packets    taken in"),
		     0);
	cr_expect_eq(expo_declare(e, "capture", "ring_bytes gauge bytes of the ring"), 0);
	cr_expect_eq(expo_declare(e, "capture", "lost drop packets because it was full"), 0);
	lacks(e, 10 * S, "lurker_capture_packets");
	const struct msg_count counters[] = {{bytes_str("packets"), 7},
					     {bytes_str("unheard_of"), 1}};
	const struct msg_count gauges[] = {{bytes_str("ring_bytes"), 64}};
	const struct msg_count drops[] = {{bytes_str("lost"), UINT64_MAX}};
	struct msg_stat st = {.start_ns = 8 * S + 5,
			      .rss_bytes = 4096,
			      .cpu_ns = 1500000000,
			      .counters = {counters, 2},
			      .gauges = {gauges, 1},
			      .drops = {drops, 1}};
	struct bus_msg m = from("capture", 1, 10 * S);
	m.missed = 3;
	expo_stat(e, &m, &st);
	cr_expect_eq(expo_heard(e), 1);
	has(e, 10 * S, "# HELP lurker_capture_packets_total packets: taken in");
	has(e, 10 * S, "# TYPE lurker_capture_packets_total counter");
	has(e, 10 * S, "lurker_capture_packets_total{sensor=\"trap\"} 7");
	has(e, 10 * S, "# TYPE lurker_capture_ring_bytes gauge");
	has(e, 10 * S, "lurker_capture_ring_bytes{sensor=\"trap\"} 64");
	has(e, 10 * S, "# HELP lurker_capture_lost_total dropped packets: because it was full");
	has(e, 10 * S, "lurker_capture_lost_total{sensor=\"trap\"} 18446744073709551615");
	has(e, 10 * S, "lurker_up{sensor=\"trap\",service=\"capture\"} 1");
	has(e, 10 * S,
	    "lurker_start_time_seconds{sensor=\"trap\",service=\"capture\"} 8.000000005");
	has(e, 10 * S, "lurker_cpu_seconds_total{sensor=\"trap\",service=\"capture\"} 1.500000000");
	has(e, 10 * S, "lurker_resident_memory_bytes{sensor=\"trap\",service=\"capture\"} 4096");
	has(e, 10 * S, "lurker_stat_missed_total{sensor=\"trap\",service=\"capture\"} 3");
	has(e, 10 * S, "lurker_metrics_undeclared_total 1");
	lacks(e, 10 * S, "unheard_of");
	expo_free(&e);
	cr_expect_null(e);
}

/* A service that runs only on request declares its metrics, as every installed one does; until it
 * is heard it is not down: an alert on lurker_up would never end. */
Test(expo, what_is_only_declared_is_not_down)
{
	struct expo *e = expo_new("trap", 5 * S);
	cr_expect_eq(expo_expect(e, "capture"), 0);
	cr_expect_eq(expo_declare(e, "capture", "packets counter packets taken in"), 0);
	cr_expect_eq(expo_declare(e, "forwarder", "sent counter records sent"), 0);
	has(e, 10 * S, "lurker_up{sensor=\"trap\",service=\"capture\"} 0");
	lacks(e, 10 * S, "service=\"forwarder\"");
	struct msg_stat st = {0};
	struct bus_msg m = from("forwarder", 1, 10 * S);
	expo_stat(e, &m, &st);
	has(e, 10 * S, "lurker_up{sensor=\"trap\",service=\"forwarder\"} 1");
	has(e, 15 * S, "lurker_up{sensor=\"trap\",service=\"forwarder\"} 0");
	expo_free(&e);
}

Test(expo, silence_is_down_and_another_epoch_a_restart)
{
	struct expo *e = expo_new("he\"re\\", 5 * S);
	cr_expect_eq(expo_expect(e, "flowagg"), 0);
	cr_expect_eq(expo_declare(e, "flowagg", "flows counter flows begun"), 0);
	has(e, 10 * S, "lurker_up{sensor=\"he.re.\",service=\"flowagg\"} 0");
	has(e, 10 * S, "lurker_restarts_total{sensor=\"he.re.\",service=\"flowagg\"} 0");
	lacks(e, 10 * S, "lurker_start_time_seconds{");
	const struct msg_count flows = {bytes_str("flows"), 2};
	struct msg_stat st = {.counters = {&flows, 1}};
	struct bus_msg m = from("flowagg", 1, 10 * S);
	expo_stat(e, &m, &st);
	has(e, 15 * S - 1, "lurker_up{sensor=\"trap\",service=\"flowagg\"} 1");
	has(e, 15 * S, "lurker_up{sensor=\"trap\",service=\"flowagg\"} 0");
	/* A new run: what it did not say yet is not what the old one said. */
	m = from("flowagg", 2, 20 * S);
	st.counters.n = 0;
	expo_stat(e, &m, &st);
	has(e, 20 * S, "lurker_restarts_total{sensor=\"trap\",service=\"flowagg\"} 1");
	lacks(e, 20 * S, "lurker_flowagg_flows_total{");
	/* `lurker up` has seen more of them. */
	const struct msg_count told[] = {{bytes_str("flowagg_restarts"), 4},
					 {bytes_str("_restarts"), 9}};
	st.counters = (struct msg_counts){told, 2};
	m = from("up", 1, 20 * S);
	expo_stat(e, &m, &st);
	has(e, 20 * S, "lurker_restarts_total{sensor=\"trap\",service=\"flowagg\"} 4");
	has(e, 20 * S, "lurker_metrics_undeclared_total 0");
	expo_free(&e);
}

Test(expo, refuses_what_is_no_declaration)
{
	static const char *const bad[] = {"",
					  "packets",
					  "packets counter",
					  "packets counter packets",
					  "packets histogram packets taken in",
					  "Packets counter packets taken in",
					  "pack-ets counter packets taken in"};
	struct expo *e = expo_new("here", 5 * S);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_eq(expo_declare(e, "capture", bad[i]), -EINVAL, "%s", bad[i]);
	cr_expect_eq(expo_declare(e, "a service", "packets counter packets taken in"), -ENOSPC);
	for (size_t i = 0; i < EXPO_METRICS; i++)
		cr_expect_eq(expo_declare(e, "capture", "packets counter packets taken in"), 0);
	cr_expect_eq(expo_declare(e, "capture", "packets counter packets taken in"), -ENOSPC);
	expo_free(&e);
}

Test(expo, services_are_bounded)
{
	struct expo *e = expo_new("here", 5 * S);
	struct msg_stat st = {0};
	char name[32];
	for (int i = 0; i < EXPO_SERVICES + 3; i++) {
		snprintf(name, sizeof name, "service%d", i);
		struct bus_msg m = from(name, 1, S);
		expo_stat(e, &m, &st);
	}
	struct bus_msg m = from("Not\na name", 1, S);
	expo_stat(e, &m, &st);
	cr_expect_eq(expo_heard(e), EXPO_SERVICES);
	has(e, S, "lurker_metrics_turned_away_total 4");
	cr_expect_eq(expo_expect(e, "one_more"), -ENOSPC);
	expo_free(&e);
}

Test(expo, a_label_is_what_the_format_can_hold)
{
	struct expo *e = expo_new("here", 5 * S);
	struct msg_stat st = {0};
	struct bus_msg m = from("capture", 1, S);
	m.sensor = bytes_str("a\n\"\\b\xc3\xa4\xff");
	expo_stat(e, &m, &st);
	has(e, S, "lurker_up{sensor=\"a...b\xc3\xa4.\",service=\"capture\"} 1");
	char lengthy[80];
	memset(lengthy, 'x', sizeof lengthy);
	m.sensor = bytes_of(lengthy, sizeof lengthy);
	expo_stat(e, &m, &st);
	char wanted[128];
	snprintf(wanted, sizeof wanted, "lurker_up{sensor=\"%.64s\",service=\"capture\"} 1",
		 lengthy);
	has(e, S, wanted);
	expo_free(&e);
}

Test(expo, queues_have_an_age_once_the_disk_was_read)
{
	const struct expo_disk d = {
		.known = true,
		.n = 2,
		.queue = {{.name = "analyzer", .age_s = 40}, {.name = "uploader", .age_s = 0}}};
	struct expo *e = expo_new("here", S);
	lacks(e, S, "lurker_state");
	expo_disk(e, &d);
	has(e, S, "lurker_queue_oldest_seconds{queue=\"analyzer\"} 40");
	has(e, S, "lurker_queue_oldest_seconds{queue=\"uploader\"} 0");
	expo_free(&e);
}
