#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "storage/spool_dir.h"
#include "tree.h"
#include "uploader/work.h"

#define MS 1000000ull

/* A store that answers as the test says, at once or when asked to. */
static struct {
	struct object_store store;
	enum outcome answer;
	int refuse_first;  /* so many puts are answered with `answer`, the rest with OUTCOME_OK */
	const char *never; /* this key and those before it are always to be tried again */
	bool hold;         /* no answer until release() */
	struct put *held[4];
	size_t nheld;
	int puts;
	char order[32][OBJECT_KEY_MAX];
	uint64_t sizes[32];
	char flow_id[33];
	uint8_t sha256[32];
	uint64_t bytes;
} fake;

static struct {
	int stored, begun, ended;
	bool stuck;
	unsigned attempts;
	char url[256];
} seen;

static struct loop *loop;
static struct queue *queue;
static struct work *work;
static struct work_counts counts;
static int stop_after; /* puts */

static int flock_failures; /* so many calls from now on fail */

/* In place of libc's. */
int flock(int fd, int operation)
{
	if (flock_failures > 0) {
		flock_failures--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void answer(struct put *p)
{
	enum outcome r = fake.puts <= fake.refuse_first ? fake.answer : OUTCOME_OK;
	if (fake.never && strcmp(p->key, fake.never) <= 0)
		r = OUTCOME_RETRY;
	fake.store.done(fake.store.arg, p, r, r ? "as told" : NULL, 0);
}

static void fake_put(struct object_store *s, struct put *p)
{
	(void)s;
	if (fake.puts < 32) {
		strcpy(fake.order[fake.puts], p->key);
		fake.sizes[fake.puts] = p->bytes;
	}
	fake.puts++;
	strcpy(fake.flow_id, p->flow_id);
	memcpy(fake.sha256, p->sha256, 32);
	fake.bytes = p->bytes;
	if (fake.hold)
		fake.held[fake.nheld++] = p;
	else
		answer(p);
	if (fake.puts == stop_after)
		loop_stop(loop);
}

static void fake_drain(struct object_store *s, int ms)
{
	(void)s, (void)ms;
	for (size_t i = 0; i < fake.nheld; i++)
		answer(fake.held[i]);
	fake.nheld = 0;
}

static const struct object_store_class fake_class = {
	.name = "fake", .put = fake_put, .drain = fake_drain};

static void on_stored(void *arg, const struct stored *d)
{
	(void)arg;
	seen.stored++;
	seen.attempts = d->attempts;
	strcpy(seen.url, d->url);
}

static void on_trouble(void *arg, bool begins, bool stuck, const char *message)
{
	(void)arg, (void)message;
	seen.begun += begins;
	seen.ended += !begins;
	seen.stuck = stuck;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void begin(void)
{
	tree_begin();
	fake.store =
		(struct object_store){.class = &fake_class, .slots = 4, .destination = "s3://b/p/"};
	cr_assert_eq(queue_open(tree_path("spool"), "uploader", &queue), 0);
	cr_assert_eq(loop_new(&loop), 0);
}

static void end(void)
{
	work_free(&work);
	queue_close(&queue);
	loop_free(&loop);
	tree_end();
}

TestSuite(work, .init = begin, .fini = end, .timeout = 20);

static void entry(int n)
{
	char name[128];
	snprintf(name, sizeof name, "spool/queue/uploader/pcap/2026/01/02/03/%03d.pcap", n);
	tree_file(name, 'x', (size_t)n);
}

static void make(void)
{
	static const struct work_conf conf = {.retry_first_ns = MS,
					      .retry_max_ns = 4 * MS,
					      .stuck_ns = 4 * MS,
					      .scan_ns = 10 * MS,
					      .trouble_ns = UINT64_MAX};
	static const struct work_calls calls = {.stored = on_stored, .trouble = on_trouble};
	cr_assert_eq(work_new(loop, queue, &fake.store, &conf, &calls, &counts, &work), 0);
}

/* Runs until `puts` puts were seen, or for as long as is given. */
static void go(int puts, uint64_t ns)
{
	stop_after = puts;
	loop_at(loop, clock_mono_ns() + ns, stop, NULL);
	cr_assert_eq(loop_run(loop), 0);
}

static void run(int puts, uint64_t ns)
{
	make();
	go(puts, ns);
}

#define LONG (10000 * MS)

static size_t left(void)
{
	return tree_count("spool/queue");
}

Test(work, stores_oldest_first_and_empties_the_queue)
{
	for (int i = 20; i > 0; i--)
		entry(i);
	run(20, LONG);
	cr_assert_eq(left(), 0);
	cr_assert_eq(seen.stored, 20);
	cr_assert_eq(counts.stored, 20);
	cr_assert_eq(counts.stored_bytes, 210);
	for (int i = 1; i < 20; i++)
		cr_assert(strcmp(fake.order[i - 1], fake.order[i]) < 0);
	cr_assert_str_eq(seen.url, "s3://b/p/pcap/2026/01/02/03/020.pcap");
}

Test(work, hands_over_size_and_hash)
{
	/* SHA-256 of "xxx", by sha256sum. */
	static const uint8_t xxx[4] = {0xcd, 0x2e, 0xb0, 0x83};
	entry(3);
	run(1, LONG);
	cr_assert_eq(fake.bytes, 3);
	cr_assert_arr_eq(fake.sha256, xxx, 4);
}

Test(work, tries_again_until_it_passes)
{
	entry(1);
	fake.answer = OUTCOME_RETRY;
	fake.refuse_first = 5;
	run(6, LONG);
	cr_assert_eq(left(), 0);
	cr_assert_eq(seen.attempts, 6);
	cr_assert_eq(counts.retries, 5);
	cr_assert_eq(seen.begun + seen.ended, 0, "not long enough to be trouble");
}

Test(work, an_outage_loses_nothing)
{
	for (int i = 1; i <= 20; i++)
		entry(i);
	fake.answer = OUTCOME_RETRY;
	fake.refuse_first = 30;
	run(50, LONG);
	cr_assert_eq(left(), 0);
	cr_assert_eq(seen.stored, 20);
	cr_assert_eq(counts.retries, 30);
}

Test(work, what_needs_a_person_is_said_once)
{
	for (int i = 1; i <= 3; i++)
		entry(i);
	fake.answer = OUTCOME_STUCK;
	fake.refuse_first = 9;
	run(12, LONG);
	cr_assert_eq(seen.begun, 1);
	cr_assert_eq(seen.ended, 1);
	cr_assert_eq(counts.stuck, 9);
	cr_assert_eq(left(), 0);
}

Test(work, what_is_refused_is_set_aside)
{
	entry(1);
	entry(2);
	fake.answer = OUTCOME_REFUSED;
	fake.refuse_first = 1;
	run(2, LONG);
	cr_assert_eq(counts.set_aside, 1);
	cr_assert_eq(left(), 0);
	cr_assert(tree_has("spool/bad/uploader/pcap/2026/01/02/03/001.pcap", 'x', 1));
	cr_assert_eq(seen.stored, 1);
}

Test(work, no_more_than_the_slots_are_under_way)
{
	uint64_t under_way, waiting;
	for (int i = 1; i <= 20; i++)
		entry(i);
	fake.hold = true;
	run(0, 100 * MS);
	cr_assert_eq(fake.puts, 4);
	work_gauges(work, &under_way, &waiting);
	cr_assert(under_way == 4 && waiting == 0);
	work_drain(work, 100);
	cr_assert_eq(seen.stored, 4);
	cr_assert_eq(left(), 16);
	cr_assert_eq(fake.puts, 4, "nothing new while draining");
}

Test(work, objects_that_never_pass_do_not_keep_the_others)
{
	/* 001 to 006 never pass; there are four slots. */
	for (int i = 1; i <= 20; i++)
		entry(i);
	fake.never = "pcap/2026/01/02/03/006.pcap";
	run(0, 1000 * MS);
	cr_assert_eq(seen.stored, 14, "%d", seen.stored);
	cr_assert_eq(left(), 6);
	cr_assert_geq(counts.retries, 6 * 8);
}

Test(work, what_cannot_be_read_is_set_aside)
{
	entry(2);
	symlink("/nowhere", tree_path("spool/queue/uploader/pcap/2026/01/02/03/001.pcap"));
	run(0, 500 * MS);
	cr_assert_eq(seen.stored, 1);
	cr_assert_eq(counts.set_aside, 1);
	cr_assert_eq(counts.attempts, 1, "the store never saw it");
	cr_assert_eq(access(tree_path("spool/bad/uploader/pcap/2026/01/02/03"), F_OK), 0);
}

Test(work, an_entry_that_could_not_be_opened_keeps_its_own_bytes)
{
	/* 002 is with the store, and has the number of 001's descriptor, when 001 comes again. */
	entry(1);
	entry(2);
	flock_failures = 1;
	fake.hold = true;
	run(2, LONG);
	cr_assert_str_eq(fake.order[0], "pcap/2026/01/02/03/002.pcap");
	cr_assert_eq(fake.sizes[0], 2);
	cr_assert_str_eq(fake.order[1], "pcap/2026/01/02/03/001.pcap");
	cr_assert_eq(fake.sizes[1], 1);
	work_drain(work, 100);
	cr_assert_eq(seen.stored, 2);
	cr_assert_eq(left(), 0);
}

Test(work, knows_the_flow_of_a_file)
{
	static const char key[] = "pcap/2026/01/02/03/001.pcap";
	static const char id[] = "0123456789abcdef0123456789abcdef";
	char longer[OBJECT_KEY_MAX + 1];
	memset(longer, 'k', sizeof longer);
	entry(1);
	make();
	work_flow(work, key, sizeof key - 1, id, 32);
	/* None of these is taken. */
	work_flow(work, key, sizeof key - 1, "short", 5);
	work_flow(work, key, sizeof key - 1, "XX23456789abcdef0123456789abcdef", 32);
	work_flow(work, longer, sizeof longer, id, 32);
	work_flow(work, "", 0, id, 32);
	go(1, LONG);
	cr_assert_str_eq(fake.flow_id, id);
}
