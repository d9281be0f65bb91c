/* follow, totals, save, fill: every number is counted once over all runs, and what was taken in is
 * saved when it is due. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "flowagg/ckfile.h"
#include "flowagg/flowagg.h"
#include "flowagg_world.h"
#include "rt/loop.h"

static char dir[64];
static struct loop *loop;
static struct bus *bus;
static struct flowagg f;
static struct journal *j;
static struct agg_limits limits;
static unsigned alerts;
static uint64_t alert_count;

static void on_alert(void *arg, const struct msg_alert *a)
{
	(void)arg;
	cr_assert(a->kind.n == 3 && memcmp(a->kind.p, "gap", 3) == 0);
	alerts++;
	alert_count = a->count;
}

static void begin(uint64_t next)
{
	static const uint8_t seed[16] = {1};
	char spool_dir[80], log_path[80];

	limits = world_limits;
	snprintf(spool_dir, sizeof spool_dir, "%s/spool", dir);
	snprintf(log_path, sizeof log_path, "%s/seals", dir);
	snprintf(f.evicted, sizeof f.evicted, "%s/evicted", dir);
	snprintf(f.checkpoint, sizeof f.checkpoint, "%s/checkpoint", dir);
	static const char *const consumers[] = {"one"};
	struct deliver_options o = {
		.spool_dir = spool_dir,
		.log_path = log_path,
		.evicted_path = f.evicted,
		.journal_dir = dir,
		.sensor = "s",
		.consumers = consumers,
		.nconsumers = 1,
		.limits = {1 << 30, 1000},
		.from = 1,
	};
	cr_assert_eq(deliver_init(&f.deliver, &o, bus, f.count), 0);
	cr_assert_eq(agg_init(&f.agg, &limits, seed, deliver_seal, &f.deliver), 0);
	f.agg.next = next;
	f.saver = (struct saver){
		.checkpoint = f.checkpoint,
		.journal_dir = dir,
		.agg = &f.agg,
		.deliver = &f.deliver,
		.totals = &f.totals,
		.count = f.count,
		.every_ns = 3600 * SECOND,
		.every_bytes = 1 << 20,
		.saved_ns = clock_mono_ns(),
	};
	f.follow.agg = &f.agg;
	f.follow.deliver = &f.deliver;
	f.follow.totals = &f.totals;
	f.follow.saver = &f.saver;
	f.follow.count = f.count;
	f.follow.alert = on_alert;
}

static void setup(void)
{
	char err[256];

	strcpy(dir, "/tmp/lurker-follow-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(loop_new(&loop), 0);
	struct bus_options o = {.sensor = "s", .producer = "flowagg", .run_dir = dir, .hwm = 10};
	cr_assert_eq(bus_new(&o, loop, &bus, err, sizeof err), 0, "%s", err);
	begin(0);
}

static void teardown(void)
{
	char cmd[128];

	journal_follow_fini(&f.follow);
	deliver_fini(&f.deliver);
	agg_fini(&f.agg);
	journal_close(&j);
	bus_free(&bus, 0);
	loop_free(&loop);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(follow, .init = setup, .fini = teardown);

/* n packets of one flow into a journal that begins with number first, and a tick after them. */
static void journal(uint64_t first, unsigned n)
{
	static const struct journal_limits plenty = {1 << 20, 8 << 20};
	struct journal_batch *b;
	uint64_t at;
	uint32_t taken;

	if (!j)
		cr_assert_eq(journal_open(dir, plenty, first, &j), 0);
	cr_assert_eq(journal_batch_new(1, &b), 0);
	struct frame frame = frame_udp(A, 1, B, 53, 100);
	for (unsigned i = 0; i < n; i++)
		cr_assert_eq(
			journal_batch_add(b, T0 + i, (uint32_t)frame.n, (uint32_t)frame.n, frame.b),
			0);
	cr_assert_eq(journal_batch_tick(b, T0 + n), 0);
	cr_assert_eq(journal_append(j, b, 0, &at, &taken), 0);
	cr_assert_eq(at, first);
	journal_batch_free(&b);
}

static void catch_up(void)
{
	source_catch_up(&f.follow.source);
	while (journal_follow_step(&f.follow))
		;
}

/* next_number - 1 = total_before + total_packets + total_ticks + total_gap */
static void assert_balance(void)
{
	const uint64_t *m = f.count;

	flowagg_fill(&f);
	cr_assert_eq(m[FLOWAGG_NEXT_NUMBER] - 1,
		     m[FLOWAGG_TOTAL_BEFORE] + m[FLOWAGG_TOTAL_PACKETS] + m[FLOWAGG_TOTAL_TICKS] +
			     m[FLOWAGG_TOTAL_GAP]);
	cr_assert_eq(m[FLOWAGG_TOTAL_PACKETS], m[FLOWAGG_PACKETS_OPEN]);
}

Test(follow, a_journal_that_begins_late_is_counted_from_its_first_number)
{
	journal(101, 5);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	cr_assert(journal_follow_catching_up(&f.follow), "what is there is read first");
	catch_up();
	assert_balance();
	cr_assert_eq(f.count[FLOWAGG_TOTAL_BEFORE], 100);
	cr_assert_eq(f.count[FLOWAGG_TOTAL_PACKETS], 5);
	cr_assert_eq(f.count[FLOWAGG_TOTAL_TICKS], 1);
	cr_assert_eq(alerts, 0);
}

Test(follow, what_left_the_journal_is_counted_and_reported_once)
{
	journal(101, 5);
	f.agg.next = 51;
	totals_number_from(&f.totals, &f.agg, f.count, 51);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	catch_up();
	assert_balance();
	cr_assert_eq(f.count[FLOWAGG_DROPPED_GAP], 50);
	cr_assert_eq(f.count[FLOWAGG_TOTAL_GAP], 50);
	cr_assert_eq(f.count[FLOWAGG_TOTAL_BEFORE], 50);
	cr_assert_eq(alerts, 1);
	cr_assert_eq(alert_count, 50);
}

Test(follow, a_journal_that_began_anew_is_reported_and_read)
{
	journal(1, 5);
	f.agg.next = 1000;
	totals_number_from(&f.totals, &f.agg, f.count, 1000);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	source_idle(&f.follow.source);
	cr_assert_eq(alerts, 1);
	catch_up();
	cr_assert_eq(f.count[FLOWAGG_DROPPED_GAP], 0);
	assert_balance();
	cr_assert_eq(f.count[FLOWAGG_TOTAL_BEFORE], 0);
	cr_assert_eq(f.count[FLOWAGG_TOTAL_PACKETS], 5);
}

Test(follow, totals_go_on_over_a_restart)
{
	journal(1, 5);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	save_now(&f.saver);
	cr_assert_eq(f.count[FLOWAGG_CHECKPOINTS], 1);
	journal_follow_fini(&f.follow);
	deliver_fini(&f.deliver);
	agg_fini(&f.agg);
	memset(f.count, 0, sizeof f.count);
	begin(0);
	agg_fini(&f.agg);
	cr_assert_eq(ckfile_load(f.checkpoint, &f.agg, &limits, deliver_seal, &f.deliver), 0);
	totals_begin(&f.totals, &f.agg);
	journal(7, 3);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	assert_balance();
	cr_assert_eq(f.count[FLOWAGG_PACKETS], 3, "of this run");
	cr_assert_eq(f.count[FLOWAGG_TOTAL_PACKETS], 8, "of both");
	cr_assert_eq(f.count[FLOWAGG_TOTAL_TICKS], 2);
}

Test(follow, what_is_no_message_is_counted)
{
	journal(1, 5);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	cr_assert_eq(journal_follow_message(&f.follow, bytes_str("no map")), -EBADMSG);
	cr_assert_eq(f.count[FLOWAGG_MALFORMED], 1);
}

static bool saved(void)
{
	struct stat st;

	return stat(f.checkpoint, &st) == 0;
}

Test(follow, a_checkpoint_is_due_after_bytes_or_time_but_only_with_packets)
{
	uint64_t mark;

	journal(1, 0); /* a tick alone */
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	f.saver.every_bytes = 1;
	f.saver.every_ns = 0;
	catch_up();
	cr_assert_not(saved(), "nothing to save");
	f.saver.every_bytes = 600;
	f.saver.every_ns = 3600 * SECOND;
	journal(2, 2);
	catch_up();
	cr_assert_not(saved(), "neither time nor bytes");
	journal(5, 2);
	catch_up();
	cr_assert(saved(), "bytes");
	cr_assert_eq(journal_mark_get(dir, "flowagg", &mark), 0);
	cr_assert_eq(mark, 8);
	cr_assert_eq(f.saver.unsaved_bytes, 0);
	cr_assert_eq(f.count[FLOWAGG_CHECKPOINTS], 1);
	journal(8, 1);
	f.saver.every_ns = 0;
	catch_up();
	cr_assert_eq(f.count[FLOWAGG_CHECKPOINTS], 2, "time");
}

Test(follow, without_a_checkpoint_the_mark_stays)
{
	uint64_t mark;

	journal(1, 5);
	cr_assert_eq(journal_follow_init(&f.follow, dir), 0);
	catch_up();
	strcpy(f.checkpoint, "/nowhere/checkpoint");
	save_now(&f.saver);
	save_now(&f.saver);
	cr_assert_eq(f.count[FLOWAGG_CHECKPOINT_ERRORS], 2);
	cr_assert_eq(f.count[FLOWAGG_CHECKPOINTS], 0);
	cr_assert_eq(f.saver.error, -ENOENT);
	cr_assert_eq(f.saver.unsaved_packets, 5, "still to be saved");
	cr_assert_eq(journal_mark_get(dir, "flowagg", &mark), -ENOENT);
}

Test(spool_watch, says_once_that_the_spool_is_full_and_once_that_it_is_relieved)
{
	struct spool_watch w = {0};
	uint64_t m[FLOWAGG_COUNTS] = {0};

	cr_assert_eq(spool_watch_look(&w, m, 1), SPOOL_STAYS);
	m[FLOWAGG_DROPPED_SPOOL_FILES] = 1;
	cr_assert_eq(spool_watch_look(&w, m, 2), SPOOL_FILLED);
	m[FLOWAGG_DROPPED_EVICTED_FILES] = 1;
	cr_assert_eq(spool_watch_look(&w, m, 3), SPOOL_STAYS);
	cr_assert_eq(spool_watch_look(&w, m, 3 + SPOOL_WELL_NS), SPOOL_STAYS);
	cr_assert_eq(spool_watch_look(&w, m, 4 + SPOOL_WELL_NS), SPOOL_RELIEVED);
	cr_assert_eq(spool_watch_look(&w, m, 5 + SPOOL_WELL_NS), SPOOL_STAYS);
	m[FLOWAGG_DROPPED_EVICTED_FILES] = 2;
	cr_assert_eq(spool_watch_look(&w, m, 6 + SPOOL_WELL_NS), SPOOL_FILLED);
}
