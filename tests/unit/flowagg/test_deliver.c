/* deliver: every sealed packet is delivered, known from before, waiting, or counted as turned
 * away. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flowagg/deliver.h"
#include "flowagg/flowagg_count.h"
#include "flowagg_world.h"
#include "rt/loop.h"

static char dir[64], spool_dir[80], log_path[80], evicted_path[80];
static const char *const consumers[] = {"one", "two"};
static struct loop *loop;
static struct bus *bus;
static struct deliver d;
static uint64_t m[FLOWAGG_COUNTS];
static struct agg agg;
static uint64_t number;

static void begin(struct spool_limits limits, uint64_t from)
{
	struct deliver_options o = {
		.spool_dir = spool_dir,
		.log_path = log_path,
		.evicted_path = evicted_path,
		.journal_dir = dir,
		.sensor = "s",
		.consumers = consumers,
		.nconsumers = 2,
		.limits = limits,
		.from = from,
	};

	cr_assert_eq(deliver_init(&d, &o, bus, m), 0);
}

static const struct spool_limits plenty = {1 << 30, 1000000};
static struct agg_limits limits;

static void begin_agg(void)
{
	static const uint8_t seed[16] = {1};

	limits = world_limits;
	limits.max_bytes = 64 << 20;
	cr_assert_eq(agg_init(&agg, &limits, seed, deliver_seal, &d), 0);
	number = 0;
}

static void setup(void)
{
	char err[256];

	strcpy(dir, "/tmp/lurker-deliver-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(spool_dir, sizeof spool_dir, "%s/spool", dir);
	snprintf(log_path, sizeof log_path, "%s/seals", dir);
	snprintf(evicted_path, sizeof evicted_path, "%s/evicted", dir);
	cr_assert_eq(loop_new(&loop), 0);
	struct bus_options o = {.sensor = "s", .producer = "flowagg", .run_dir = dir, .hwm = 10};
	cr_assert_eq(bus_new(&o, loop, &bus, err, sizeof err), 0, "%s", err);
	begin(plenty, 1);
	begin_agg();
}

static void teardown(void)
{
	char cmd[128];

	agg_fini(&agg);
	deliver_fini(&d);
	bus_free(&bus, 0);
	loop_free(&loop);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(deliver, .init = setup, .fini = teardown);

static void packet(uint64_t at, struct frame f)
{
	struct agg_packet p = {++number, T0 + at, (uint32_t)f.n, (uint32_t)f.n, 1, f.b};
	agg_packet(&agg, &p);
}

/* n flows with data, n scans; then time goes on and all of them end. */
static void flows(int n)
{
	for (int i = 0; i < n; i++) {
		packet((uint64_t)i, frame_udp(A, i, B, 53, 100));
		packet((uint64_t)i, frame_tcp(A, i, B, 80, TCP_SYN, 1, 0));
	}
	struct agg_packet tick = {++number, T0 + 200 * SECOND, 0, 0, 1, NULL};
	agg_packet(&agg, &tick);
	tick.ts_ns += 600 * SECOND;
	tick.number = ++number;
	agg_packet(&agg, &tick);
}

static void balance(void)
{
	cr_assert_eq(agg.counts.sealed, m[FLOWAGG_PACKETS_DELIVERED] + m[FLOWAGG_PACKETS_AGAIN] +
						d.pending_packets + m[FLOWAGG_DROPPED_SPOOL] +
						m[FLOWAGG_DROPPED_DISK]);
}

/* Entries; *bundles: of them, those. */
static int count_queue(const char *consumer, int *bundles)
{
	struct queue *q;
	char key[OBJECT_KEY_MAX];
	int n = 0;

	*bundles = 0;
	cr_assert_eq(queue_open(spool_dir, consumer, &q), 0);
	for (; queue_next(q, key); n++)
		*bundles += strstr(key, "bundle_") != NULL;
	queue_close(&q);
	return n;
}

static int in_queue(const char *consumer)
{
	int bundles;

	return count_queue(consumer, &bundles);
}

Test(deliver, files_are_in_the_queues_after_the_commit_and_announced)
{
	flows(10);
	cr_assert_eq(d.npending, 11);
	cr_assert_eq(d.pending_packets, 20);
	balance();
	cr_assert_eq(in_queue("one"), 0);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(in_queue("one"), 11);
	cr_assert_eq(in_queue("two"), 11);
	cr_assert_eq(m[FLOWAGG_FILES_DELIVERED], 11);
	cr_assert_eq(m[FLOWAGG_PACKETS_DELIVERED], 20);
	cr_assert_eq(bus_counts(bus).published, 11);
	cr_assert_eq(d.log.n, 11);
	balance();
	cr_assert_eq(deliver_commit(&d), 0, "nothing to do");
}

Test(deliver, more_than_a_batch_commits_on_its_own)
{
	flows(600);
	cr_assert_gt(m[FLOWAGG_FILES_DELIVERED], 500);
	balance();
	deliver_commit(&d);
	cr_assert_eq(in_queue("two"), 601);
	balance();
}

Test(deliver, what_was_delivered_before_a_crash_is_not_delivered_again)
{
	flows(10);
	deliver_commit(&d);
	agg_fini(&agg);
	deliver_fini(&d); /* dies; the consumer had taken all */
	char cmd[128];
	snprintf(cmd, sizeof cmd, "rm -rf %s/queue", spool_dir);
	cr_assert_eq(system(cmd), 0);
	memset(m, 0, sizeof m);
	begin(plenty, 1);
	begin_agg();
	flows(10);
	balance();
	cr_assert_eq(m[FLOWAGG_PACKETS_AGAIN], 20);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(in_queue("one"), 0);
}

Test(deliver, what_was_not_recorded_is_delivered_again_the_same)
{
	flows(10);
	deliver_commit(&d);
	agg_fini(&agg);
	deliver_fini(&d);
	cr_assert_eq(truncate(log_path, 4 * SEALLOG_RECORD), 0);
	memset(m, 0, sizeof m);
	begin(plenty, 1);
	begin_agg();
	flows(10);
	cr_assert_eq(m[FLOWAGG_PACKETS_AGAIN], 4);
	cr_assert_eq(deliver_commit(&d), 0);
	balance();
	cr_assert_eq(in_queue("one"), 11);
}

/* A round of n flows with data and n scans; its time begins an hour after the former. */
static void round_of(int n, uint64_t hour)
{
	for (int i = 0; i < n; i++) {
		packet(hour * 3600 * SECOND + (uint64_t)i, frame_udp(A, i, B, 53, 100));
		packet(hour * 3600 * SECOND + (uint64_t)i, frame_tcp(A, i, B, 80, TCP_SYN, 1, 0));
	}
	for (uint64_t after = 200; after <= 800; after += 600) {
		struct agg_packet tick = {++number, T0 + (hour * 3600 + after) * SECOND, 0, 0, 1,
					  NULL};
		agg_packet(&agg, &tick);
	}
}

static uint64_t recorded_packets, recorded_entries;

static int add_recorded(void *arg, const struct ledger_line *e)
{
	(void)arg;
	recorded_packets += e->packets;
	recorded_entries += e->entries;
	return 0;
}

static void read_recorded(void)
{
	recorded_packets = recorded_entries = 0;
	cr_assert_eq(ledger_read(evicted_path, add_recorded, NULL), 0);
}

Test(deliver, a_full_spool_gives_up_the_oldest_bundles_for_whatever_comes)
{
	int bundles;

	deliver_fini(&d);
	begin((struct spool_limits){1 << 30, 12}, 1);
	round_of(2, 0);
	round_of(3, 1);
	round_of(4, 2);
	cr_assert_eq(deliver_commit(&d), 0);
	balance();
	/* 2 + 3 + 4 with data, 3 bundles: full. */
	cr_assert_eq(in_queue("one"), 12);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 0);
	round_of(1, 3);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(count_queue("one", &bundles), 12);
	cr_assert_eq(bundles, 2);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 2, "for a flow and for a bundle");
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED], 2 + 3, "the oldest ones");
	cr_assert_eq(m[FLOWAGG_DROPPED_SPOOL_FILES], 0);
	read_recorded();
	cr_assert_eq(recorded_packets, 2 * (2 + 3), "of each queue");
	cr_assert_eq(recorded_entries, 4);
	balance();
}

Test(deliver, data_goes_for_nothing_and_what_comes_then_is_turned_away)
{
	int bundles;

	deliver_fini(&d);
	begin((struct spool_limits){1 << 30, 10}, 1);
	round_of(9, 0);
	round_of(5, 1);
	cr_assert_eq(deliver_commit(&d), 0);
	/* The second round's first flow takes the place of the bundle; four flows and a bundle stay
	 * outside. */
	cr_assert_eq(count_queue("one", &bundles), 10);
	cr_assert_eq(bundles, 0);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 1);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED], 9);
	cr_assert_eq(m[FLOWAGG_DROPPED_SPOOL_FILES], 5);
	cr_assert_eq(m[FLOWAGG_DROPPED_SPOOL], 4 + 5);
	balance();
}

Test(deliver, a_bundle_that_is_still_on_the_way_can_go_as_well)
{
	int bundles;

	deliver_fini(&d);
	begin((struct spool_limits){1 << 30, 3}, 1);
	round_of(1, 0);
	round_of(1, 1); /* of four files none is in a queue before the fourth comes */
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(count_queue("two", &bundles), 3);
	cr_assert_eq(bundles, 1);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 1);
	cr_assert_eq(m[FLOWAGG_DROPPED_SPOOL_FILES], 0);
	balance();
}

Test(deliver, what_is_larger_than_the_spool_drives_nothing_out)
{
	deliver_fini(&d);
	begin((struct spool_limits){100, 100}, 1);
	round_of(1, 0);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 0);
	cr_assert_eq(m[FLOWAGG_DROPPED_SPOOL_FILES], 1, "the flow with data: 24 + 16 + 142 bytes");
	cr_assert_eq(in_queue("one"), 1);
	balance();
}

/* The folder of what is on its way out, as a run leaves it that is killed before the end. */
Test(deliver, evictions_of_a_killed_run_are_ended_by_the_next)
{
	char cmd[400];

	round_of(3, 0);
	cr_assert_eq(deliver_commit(&d), 0);
	deliver_fini(&d);
	snprintf(cmd, sizeof cmd,
		 "cd %s && for c in one two; do cd queue/$c && f=$(find -name 'bundle_*') && mkdir "
		 "-p ../../evicted/$c/${f%%/*} && mv $f ../../evicted/$c/$f && cd ../..; done && "
		 "echo one ${f#./} 3 1 >../evicted",
		 spool_dir);
	cr_assert_eq(system(cmd), 0);
	begin(plenty, 1);
	read_recorded();
	cr_assert_eq(recorded_entries, 2, "what was recorded is not recorded again");
	cr_assert_eq(recorded_packets, 6);
	snprintf(cmd, sizeof cmd, "test ! -e %s/evicted", spool_dir);
	cr_assert_eq(system(cmd), 0);
	cr_assert_eq(in_queue("one"), 3);
}

Test(deliver, without_a_record_nothing_is_removed)
{
	char cmd[200];

	deliver_fini(&d);
	begin((struct spool_limits){1 << 30, 2}, 1);
	round_of(1, 0);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(mkdir(evicted_path, 0700), 0); /* where the record should be written */
	round_of(1, 1);
	cr_assert_eq(deliver_commit(&d), -EISDIR);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 0);
	snprintf(cmd, sizeof cmd, "test $(find %s/evicted -type f | wc -l) = 2", spool_dir);
	cr_assert_eq(system(cmd), 0);
	cr_assert_eq(rmdir(evicted_path), 0);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(m[FLOWAGG_DROPPED_EVICTED_FILES], 1);
	snprintf(cmd, sizeof cmd, "test ! -e %s/evicted", spool_dir);
	cr_assert_eq(system(cmd), 0);
	balance();
}

Test(deliver, what_the_disk_refuses_for_now_is_taken_later)
{
	struct rlimit files, none;
	struct agg_packet tick;

	for (int i = 0; i < 5; i++)
		packet((uint64_t)i, frame_udp(A, i, B, 53, 100));
	tick = (struct agg_packet){++number, T0 + 200 * SECOND, 0, 0, 1, NULL};
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	none = files;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_assert_eq(agg_packet(&agg, &tick), -EMFILE);
	cr_assert_eq(agg_packet(&agg, &tick), -EMFILE);
	balance();
	cr_assert_eq(agg.counts.open, 5);
	cr_assert_eq(agg.next, tick.number);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	cr_assert_eq(agg_packet(&agg, &tick), 0);
	cr_assert_eq(deliver_commit(&d), 0);
	cr_assert_eq(in_queue("one"), 5);
	cr_assert_eq(m[FLOWAGG_DROPPED_DISK], 0);
	cr_assert_eq(d.error, 0);
	balance();
}

Test(deliver, what_is_too_large_for_the_disk_is_counted_and_work_goes_on)
{
	struct rlimit small = {100, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	flows(5);
	cr_assert_eq(m[FLOWAGG_DROPPED_DISK_FILES], 6);
	cr_assert_eq(m[FLOWAGG_DROPPED_DISK], 10);
	balance();
	small.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	agg_fini(&agg);
	begin_agg();
	agg.next_seal = 100;
	flows(5);
	deliver_commit(&d);
	cr_assert_eq(in_queue("one"), 6);
	cr_assert_eq(d.error, 0);
}
