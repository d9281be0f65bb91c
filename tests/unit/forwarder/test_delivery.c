#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "forwarder/delivery.h"
#include "forwarder/offset.h"

#define MS  1000000ull
#define DAY 1767312000ull /* 2026-01-02 */

/* A sink of at most `most` records a batch that answers as the test says. */
static struct {
	struct sink sink;
	size_t most, n;
	char batch[64][32], got[256][32];
	size_t ngot;
	int sends, batches, fail; /* so many sends fail first */
	enum outcome fail_with;
	const char *poison; /* a batch with this record is refused */
	bool hold;
	int stop_after; /* records delivered */
} fake;

static char dir[] = "/tmp/lurker-test-XXXXXX", records_dir[64], offset_path[64];
static struct loop *loop;
static struct delivery *delivery;
static struct records *records;
static struct opt_list no_terms;
static int begun, ended;

static enum sink_add fake_add(struct sink *s, const struct record *r)
{
	struct json_object *id;
	(void)s;
	if (fake.n == fake.most)
		return SINK_FULL;
	json_object_object_get_ex(r->json, "id", &id);
	if (strcmp(json_object_get_string(id), "left") == 0)
		return SINK_LEFT;
	cr_assert_float_eq(r->init_ts, (double)DAY + 0.9, 0.001);
	snprintf(fake.batch[fake.n++], 32, "%s", json_object_get_string(id));
	return SINK_TAKEN;
}

static void fake_answer(void)
{
	enum outcome r = OUTCOME_OK;
	if (fake.sends <= fake.fail)
		r = fake.fail_with;
	for (size_t i = 0; fake.poison && i < fake.n; i++)
		if (strcmp(fake.batch[i], fake.poison) == 0)
			r = OUTCOME_REFUSED;
	if (r == OUTCOME_OK) {
		fake.batches++;
		for (size_t i = 0; i < fake.n; i++)
			strcpy(fake.got[fake.ngot++], fake.batch[i]);
	}
	fake.sink.done(fake.sink.arg, r, r ? "as told" : NULL, 0);
	if (fake.stop_after && (int)fake.ngot >= fake.stop_after)
		loop_stop(loop);
}

static void fake_send(struct sink *s)
{
	(void)s;
	fake.sends++;
	cr_assert(fake.n > 0, "no empty batches");
	if (!fake.hold)
		fake_answer();
}

static void fake_clear(struct sink *s)
{
	(void)s;
	fake.n = 0;
}

static void fake_drain(struct sink *s, int ms)
{
	(void)s, (void)ms;
	fake_answer();
}

static const struct sink_class fake_class = {.name = "fake",
					     .add = fake_add,
					     .send = fake_send,
					     .clear = fake_clear,
					     .drain = fake_drain};

static void trouble(void *arg, bool begins, bool stuck, const char *message)
{
	(void)arg, (void)stuck, (void)message;
	begun += begins;
	ended += !begins;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

static void begin(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(records_dir, sizeof records_dir, "%s/records", dir);
	snprintf(offset_path, sizeof offset_path, "%s/fake.offset", dir);
	cr_assert_eq(records_open(records_dir, 0, 3650, &records), 0);
	cr_assert_eq(loop_new(&loop), 0);
	fake.sink.class = &fake_class;
	fake.most = 10;
}

static void end(void)
{
	delivery_free(&delivery);
	loop_free(&loop);
	records_close(&records);
	nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(delivery, .init = begin, .fini = end, .timeout = 20);

static void line(const char *text)
{
	cr_assert_eq(records_append(records, DAY * 1000 * MS, bytes_str(text)), 0);
}

static void add(int from, int to)
{
	char text[64];
	for (int i = from; i <= to; i++) {
		snprintf(text, sizeof text, "{\"id\":\"%d\",\"init_ts\":%llu.9,\"n\":%d}", i,
			 (unsigned long long)DAY, i);
		line(text);
	}
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Runs a new delivery until so many records were delivered, or for a time. */
static void run_with(int delivered, uint64_t ns, const struct opt_list *terms)
{
	struct delivery_conf conf = {.records = records_dir,
				     .offset = offset_path,
				     .linger_ns = 5 * MS,
				     .retry_first_ns = MS,
				     .retry_max_ns = 4 * MS,
				     .stuck_ns = 4 * MS};
	char err[100];
	cr_assert_eq(sink_filter_parse(terms, &conf.filter, err, sizeof err), 0);
	delivery_free(&delivery);
	fake.n = 0;
	fake.stop_after = delivered;
	loop_free(&loop);
	cr_assert_eq(loop_new(&loop), 0);
	loop_at(loop, clock_mono_ns() + ns, stop, NULL);
	cr_assert_eq(delivery_new(loop, &fake.sink, &conf, trouble, NULL, &delivery), 0);
	loop_run(loop);
}

static void run(int delivered)
{
	run_with(delivered, 10000 * MS, &no_terms);
}

static void got(int from, int to)
{
	char want[32];
	cr_assert_eq(fake.ngot, (size_t)(to - from + 1), "%zu records", fake.ngot);
	for (int i = from; i <= to; i++) {
		snprintf(want, sizeof want, "%d", i);
		cr_assert_str_eq(fake.got[i - from], want);
	}
}

Test(delivery, delivers_all_in_order_and_in_batches)
{
	add(1, 25);
	run(25);
	got(1, 25);
	cr_assert_eq(fake.batches, 3);
	cr_assert_eq(delivery_counts(delivery)->delivered, 25);
	cr_assert_eq(delivery_counts(delivery)->read, 25, "none was read twice");
}

Test(delivery, goes_on_where_it_was)
{
	add(1, 12);
	run(12);
	add(13, 20);
	run(20);
	got(1, 20);
}

Test(delivery, a_failed_batch_is_delivered_again)
{
	add(1, 12);
	fake.fail = 3;
	fake.fail_with = OUTCOME_RETRY;
	run(12);
	got(1, 12);
	cr_assert_eq(delivery_counts(delivery)->retries, 3);
	cr_assert_eq(begun, 0, "a short fault is no trouble");
}

Test(delivery, trouble_is_said_once_and_ends)
{
	add(1, 12);
	fake.fail = 9;
	fake.fail_with = OUTCOME_RETRY;
	run(12);
	cr_assert(begun == 1 && ended == 1, "%d %d", begun, ended);
	got(1, 12);
	add(13, 14);
	fake.sends = fake.ngot = 0;
	fake.fail = 2;
	fake.fail_with = OUTCOME_STUCK;
	run(2);
	cr_assert(begun == 2 && ended == 2, "what needs a person is said at once");
}

Test(delivery, what_was_not_delivered_comes_after_a_restart)
{
	add(1, 12);
	fake.hold = true;
	run_with(0, 50 * MS, &no_terms);
	cr_assert_eq(fake.sends, 1);
	cr_assert_eq(delivery_gathered(delivery), 10);
	fake.hold = false;
	run(12);
	got(1, 12);
}

Test(delivery, drain_lets_the_batch_end)
{
	add(1, 5);
	fake.hold = true;
	run_with(0, 50 * MS, &no_terms);
	delivery_drain(delivery, 100);
	got(1, 5);
	struct records_pos pos;
	cr_assert_eq(offset_load(offset_path, &pos), 0);
	cr_assert_eq(pos.day, 20260102);
}

Test(delivery, a_refused_record_is_left_out_alone)
{
	add(1, 10);
	fake.poison = "7";
	run(9);
	cr_assert_eq(fake.ngot, 9);
	for (size_t i = 0; i < 9; i++)
		cr_assert_eq(atoi(fake.got[i]), (int)i + 1 + (i >= 6));
	cr_assert_eq(delivery_counts(delivery)->refused, 1);
}

Test(delivery, filters_and_lines_that_are_no_records)
{
	char term[] = "n>3";
	char *v[] = {term};
	add(1, 3);
	line("{not json}");
	line("{\"id\":\"left\",\"init_ts\":1,\"n\":9}");
	add(4, 6);
	run_with(3, 10000 * MS, &(struct opt_list){v, 1});
	got(4, 6);
	cr_assert_eq(delivery_counts(delivery)->filtered, 3);
	cr_assert_eq(delivery_counts(delivery)->unreadable, 1);
}

Test(delivery, a_damaged_offset_is_not_guessed)
{
	FILE *f = fopen(offset_path, "w");
	fputs("here", f);
	fclose(f);
	struct delivery_conf conf = {.records = records_dir, .offset = offset_path};
	cr_assert_neq(delivery_new(loop, &fake.sink, &conf, NULL, NULL, &delivery), 0);
	delivery = NULL;
}
