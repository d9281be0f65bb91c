/* batch: each record is in the file once, and published once, whatever the disk answers in
 * between. */
#include "work/record_batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/records.h"

#define NOON UINT64_C(1728043200000000000)

static char dir[64];
static struct records *records;
static struct record_batch batch;
static struct record_batch_counts counts;
static unsigned published;
static int sync_failures;

/* In place of libc's. */
int fdatasync(int fd)
{
	if (!sync_failures)
		return (int)syscall(SYS_fdatasync, fd);
	sync_failures--;
	errno = EIO;
	return -1;
}

static void publish(void *arg, struct bytes body)
{
	(void)arg, (void)body;
	published++;
}

static void begin(void)
{
	strcpy(dir, "/tmp/lurker-batch-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(records_open(dir, 0, 1, &records), 0);
	record_batch_init(&batch, 1 << 20);
}

static void end(void)
{
	char cmd[128];

	record_batch_fini(&batch);
	records_close(&records);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(batch, .init = begin, .fini = end);

static void add(const char *line)
{
	buf_add(&batch.lines, line, strlen(line));
	buf_add(&batch.bodies, "body", 4);
	cr_assert_eq(record_batch_record(&batch), 0);
}

static int flush(void)
{
	const struct record_batch_out o = {.records = records, .publish = publish};

	return record_batch_flush(&batch, &o, NOON, &counts);
}

Test(batch, what_was_not_synced_is_written_again_and_stands_there_once)
{
	static const char *const want[] = {"{\"a\":1}", "{\"b\":2}", "{\"d\":4}"};
	struct records_reader *r;
	struct records_pos pos;
	struct bytes line;

	add(want[0]);
	add(want[1]);
	sync_failures = 1;
	cr_assert_eq(flush(), -EIO);
	cr_assert_eq(batch.written, 0);
	cr_assert_eq(published, 0);
	/* A file that cannot be read whole meanwhile. */
	struct record_batch_mark m = record_batch_mark(&batch);
	add("{\"c\":3}");
	cr_assert_eq(record_batch_back(&batch, m), 1);
	cr_assert_eq(record_batch_back(&batch, (struct record_batch_mark){0}), 0,
		     "they have their places");
	add(want[2]);
	cr_assert_eq(flush(), 0);
	cr_assert_eq(counts.records, 3);
	cr_assert_eq(published, 1, "of the two taken back the bodies are gone");
	cr_assert_eq(records_reader_open(dir, (struct records_pos){0}, &r), 0);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(records_next(r, &line, &pos), 1);
		cr_assert_eq(line.n, strlen(want[i]));
		cr_assert_arr_eq(line.p, want[i], line.n);
	}
	cr_assert_eq(records_next(r, &line, &pos), 0);
	cr_assert_eq(records_reader_skipped(r), 0);
	records_reader_close(&r);
}
