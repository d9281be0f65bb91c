/* spool: an entry is whole in every queue or in none; consumers see the oldest first and leave no
 * trace. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "storage/spool.h"

static char dir[64];
static struct spool *s;
static struct queue *q;
static const char *const consumers[] = {"uploader", "analyzer"};
static const struct spool_limits limits = {.max_bytes = 10000, .max_files = 1000};

static int
	/* so many flushes from now on fail, as Linux does: the next one says that all is well */
	flush_failures;

static bool flush_fails(void)
{
	if (!flush_failures)
		return false;
	flush_failures--;
	errno = EIO;
	return true;
}

/* In place of libc's. */
int fdatasync(int fd)
{
	return flush_fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return flush_fails() ? -1 : (int)syscall(SYS_syncfs, fd);
}

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-spool-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	cr_assert_eq(queue_open(dir, "analyzer", &q), 0);
}

static void teardown(void)
{
	char cmd[128];

	spool_close(&s);
	queue_close(&q);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(spool, .init = setup, .fini = teardown);

static void put(const char *key, const char *text)
{
	int fd;

	cr_assert_eq(spool_create(s, key, strlen(text), &fd), 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void commit(void)
{
	cr_assert_eq(spool_commit(s), 0);
	spool_forget(s);
	cr_assert_eq(spool_pending(s), 0);
}

static bool there(const char *path)
{
	char full[512];
	snprintf(full, sizeof full, "%s/%s", dir, path);
	return access(full, F_OK) == 0;
}

#define HOUR "pcap/2023/11/14/22/"

Test(spool, a_file_is_in_no_queue_before_the_commit_and_in_every_queue_after_it)
{
	char text[16] = "", key[OBJECT_KEY_MAX];
	int fd;

	put(HOUR "a.pcap", "hello");
	cr_assert_eq(spool_pending(s), 1);
	cr_assert_eq(queue_next(q, key), 0);
	cr_assert_eq(spool_commit(s), 0);
	cr_assert(there("tmp/0"), "until its seal is recorded");
	cr_assert(there("queue/uploader/" HOUR "a.pcap"));
	cr_assert_eq(queue_next(q, key), 1);
	cr_assert_str_eq(key, HOUR "a.pcap");
	spool_forget(s);
	cr_assert_not(there("tmp/0"));
	cr_assert_eq(queue_get(q, key, &fd), 0);
	cr_assert_eq(read(fd, text, sizeof text), 5);
	cr_assert_str_eq(text, "hello");
	close(fd);
}

Test(spool, small_and_large_batches)
{
	char key[OBJECT_KEY_MAX];

	for (int n = 1; n < 20; n += 6) {
		for (int i = 0; i < n; i++) {
			snprintf(key, sizeof key, "pcap/2023/11/14/%02d/%d.pcap", i % 3,
				 100 * n + i);
			put(key, "x");
		}
		commit();
	}
	cr_assert_eq(queue_count(q, 1000), 1 + 7 + 13 + 19);
	cr_assert_eq(queue_count(q, 10), 10);
	cr_assert_eq(spool_use(s).files, 40);
}

Test(spool, a_batch_has_a_limit_and_waits_to_be_forgotten)
{
	char key[OBJECT_KEY_MAX];
	int fd;

	for (int i = 0; i < SPOOL_BATCH; i++) {
		snprintf(key, sizeof key, HOUR "%d.pcap", i);
		put(key, "x");
	}
	cr_assert_eq(spool_create(s, HOUR "more.pcap", 1, &fd), -ENOBUFS);
	cr_assert_eq(spool_commit(s), 0);
	cr_assert_eq(spool_create(s, HOUR "more.pcap", 1, &fd), -ENOBUFS);
	spool_forget(s);
	put(HOUR "more.pcap", "x");
	commit();
	cr_assert_eq(queue_count(q, 1000), SPOOL_BATCH + 1);
}

Test(spool, a_dropped_file_takes_no_part)
{
	put(HOUR "a.pcap", "x");
	put(HOUR "b.pcap", "half");
	spool_drop(s);
	cr_assert_eq(spool_pending(s), 1);
	commit();
	cr_assert_eq(queue_count(q, 10), 1);
}

Test(spool, a_commit_that_failed_is_made_again)
{
	char path[128];

	put(HOUR "a.pcap", "x");
	/* A file where a folder has to be. */
	snprintf(path, sizeof path, "%s/queue/analyzer/pcap", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	cr_assert_eq(spool_commit(s), -ENOTDIR);
	cr_assert_eq(spool_pending(s), 1);
	unlink(path);
	commit();
	cr_assert_eq(spool_use(s).files, 1);
	cr_assert(there("queue/analyzer/" HOUR "a.pcap"));
	cr_assert(there("queue/uploader/" HOUR "a.pcap"));
}

Test(spool, what_was_not_flushed_is_in_no_queue_before_it_was_made_again)
{
	/* One by one, and all in one. */
	for (int n = 1; n <= 3; n += 2) {
		for (int i = 0; i < n; i++)
			put(i == 0 ? HOUR "a.pcap" : i == 1 ? HOUR "b.pcap" : HOUR "c.pcap", "x");
		flush_failures = 1;
		cr_assert_not(spool_is_lost(s));
		cr_assert_eq(spool_commit(s), -EIO);
		cr_assert(spool_is_lost(s));
		cr_assert_eq(spool_commit(s), -EIO, "though the disk says that all is well");
		cr_assert_eq(queue_count(q, 10), 0);
		spool_close(&s);
		cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
		cr_assert_not(there("tmp/0"));
	}
	put(HOUR "a.pcap", "x");
	commit();
	cr_assert_eq(queue_count(q, 10), 1);
}

Test(spool, the_sealer_that_comes_back_finds_tmp_empty_and_the_queues_untouched)
{
	put(HOUR "a.pcap", "x");
	commit();
	put(HOUR "b.pcap", "x");
	cr_assert_eq(spool_commit(s), 0); /* dies here: not forgotten */
	spool_close(&s);
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	cr_assert_not(there("tmp/0"));
	cr_assert_eq(queue_count(q, 10), 2);
	cr_assert_eq(spool_use(s).files, 2);
	cr_assert_eq(spool_use(s).bytes, 2);
	put(HOUR "b.pcap", "x"); /* the replay brings it again */
	commit();
	cr_assert_eq(queue_count(q, 10), 2);
}

Test(spool, a_file_that_one_queue_has_comes_into_the_others_as_the_same_file)
{
	char path[128];

	put(HOUR "a.pcap", "x");
	cr_assert_eq(spool_commit(s),
		     0); /* dies here, before the second link, as the next lines make it */
	spool_close(&s);
	snprintf(path, sizeof path, "%s/queue/analyzer/" HOUR "a.pcap", dir);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	put(HOUR "a.pcap", "x");
	commit();
	cr_assert(there("queue/analyzer/" HOUR "a.pcap"));
	spool_close(&s);
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	cr_assert_eq(spool_use(s).files, 1);
}

Test(spool, room_is_what_the_limits_leave_beside_queues_and_batch)
{
	char big[8601];

	cr_assert_eq(spool_room(s, HOUR "new.pcap", 10000), 1);
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 10001), -EFBIG);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	put(HOUR "a.pcap", big);
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 1400), 1);
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 1401), 0, "pending");
	commit();
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 1400), 1);
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 1401), 0, "in the queues");
	cr_assert_eq(queue_done(q, HOUR "a.pcap"), 0);
	cr_assert_eq(spool_room(s, HOUR "new.pcap", 1401), 0, "in one of them");
}

Test(spool, what_comes_again_after_a_kill_needs_no_room)
{
	struct spool_limits three = {.max_bytes = 100, .max_files = 3};

	put(HOUR "a.pcap", "xx");
	put(HOUR "b.pcap", "xx");
	cr_assert_eq(spool_commit(s), 0); /* dies here: recorded nowhere */
	spool_close(&s);
	cr_assert_eq(spool_open(dir, consumers, 2, three, &s), 0);
	cr_assert_eq(spool_room(s, HOUR "a.pcap", 2), 1);
	put(HOUR "a.pcap", "xx");
	put(HOUR "b.pcap", "xx");
	cr_assert_eq(spool_room(s, HOUR "c.pcap", 2), 1, "two of three, though both come again");
	put(HOUR "c.pcap", "xx");
	cr_assert_eq(spool_room(s, HOUR "d.pcap", 2), 0);
	cr_assert_eq(spool_room(s, HOUR "b.pcap", 200), 1, "it is there");
	spool_drop(s);
	cr_assert_eq(spool_room(s, HOUR "d.pcap", 2), 1);
	put(HOUR "c.pcap", "xx");
	commit();
	cr_assert_eq(spool_use(s).files, 3);
	cr_assert_eq(spool_use(s).bytes, 6);
}

Test(spool, a_file_counts_until_its_last_link_is_gone)
{
	struct queue *other;

	put(HOUR "a.pcap", "12345678");
	commit();
	spool_close(&s);
	cr_assert_eq(queue_done(q, HOUR "a.pcap"), 0);
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	cr_assert_eq(spool_use(s).files, 1);
	cr_assert_eq(spool_use(s).bytes, 8);
	cr_assert_eq(queue_open(dir, "uploader", &other), 0);
	cr_assert_eq(queue_done(other, HOUR "a.pcap"), 0);
	queue_close(&other);
	spool_close(&s);
	cr_assert_eq(spool_open(dir, consumers, 2, limits, &s), 0);
	cr_assert_eq(spool_use(s).files, 0);
}

Test(spool, oldest_first_over_hours_days_and_windows)
{
	char key[OBJECT_KEY_MAX], last[OBJECT_KEY_MAX] = "";
	int n = 0;

	for (int i = 0; i < 1300; i++) {
		snprintf(key, sizeof key, "pcap/2023/%02d/14/%02d/%d.pcap", 11 + (i % 7 == 0),
			 i * 7 % 24, 100000 - i);
		if (spool_pending(s) == SPOOL_BATCH)
			commit();
		put(key, "");
	}
	commit();
	while (queue_next(q, key)) {
		cr_assert_lt(strcmp(last, key), 0, "%s after %s", key, last);
		strcpy(last, key);
		n++;
	}
	cr_assert_eq(n, 1300);
	/* Nothing was finished: all come again. */
	for (n = 0; queue_next(q, key); n++)
		cr_assert_eq(queue_done(q, key), 0);
	cr_assert_eq(n, 1300);
	cr_assert_eq(queue_next(q, key), 0);
}

Test(spool, what_comes_in_behind_the_place_comes_in_the_next_round)
{
	char key[OBJECT_KEY_MAX];

	put(HOUR "b.pcap", "x");
	commit();
	cr_assert_eq(queue_next(q, key), 1);
	put(HOUR "a.pcap", "x");
	commit();
	cr_assert_eq(queue_next(q, key), 0);
	cr_assert_eq(queue_next(q, key), 1);
	cr_assert_str_eq(key, HOUR "a.pcap");
	queue_rewind(q);
	cr_assert_eq(queue_next(q, key), 1);
	cr_assert_str_eq(key, HOUR "a.pcap");
}

Test(spool, bad_entries_are_set_aside)
{
	char key[OBJECT_KEY_MAX];

	put(HOUR "a.pcap", "x");
	commit();
	cr_assert_eq(queue_bad(q, HOUR "a.pcap"), 0);
	cr_assert_eq(queue_next(q, key), 0);
	cr_assert(there("bad/analyzer/" HOUR "a.pcap"));
	cr_assert(there("queue/uploader/" HOUR "a.pcap"));
	cr_assert_eq(queue_bad(q, HOUR "a.pcap"), -ENOENT);
}

Test(spool, empty_folders_of_the_past_are_removed_and_made_again)
{
	char path[128], key[OBJECT_KEY_MAX];

	put(HOUR "a.pcap", "x");
	commit();
	cr_assert_eq(queue_done(q, HOUR "a.pcap"), 0);
	cr_assert_eq(queue_next(q, key), 0);
	cr_assert(there("queue/analyzer/" HOUR), "not yet old");
	snprintf(path, sizeof path, "%s/queue/analyzer/" HOUR, dir);
	struct utimbuf old = {time(NULL) - 4000, time(NULL) - 4000};
	cr_assert_eq(utime(path, &old), 0);
	cr_assert_eq(queue_next(q, key), 0);
	cr_assert_not(there("queue/analyzer/" HOUR));
	put(HOUR "b.pcap", "x");
	commit();
	cr_assert_eq(queue_next(q, key), 1);
}

Test(spool, keys_stay_inside)
{
	static const char *const bad[] = {"",     "/etc/passwd", "../x",    "a/../b", "a//b",
					  "a/",   "a/./b",       ".hidden", "a/.b",   "a b",
					  "a\tb", "a\x7f",       "\xc3\xa9"};
	char deep[300];
	int fd;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_assert_not(object_key_valid(bad[i]), "%s", bad[i]);
		cr_assert_eq(spool_create(s, bad[i], 1, &fd), -EINVAL);
		cr_assert_eq(queue_get(q, bad[i], &fd), -EINVAL);
		cr_assert_eq(queue_done(q, bad[i]), -EINVAL);
		cr_assert_eq(queue_bad(q, bad[i]), -EINVAL);
	}
	memset(deep, 'a', sizeof deep);
	deep[OBJECT_KEY_MAX] = '\0';
	cr_assert_not(object_key_valid(deep));
	deep[OBJECT_KEY_MAX - 1] = '\0';
	cr_assert(object_key_valid(deep));
	cr_assert(object_key_valid(HOUR "1700000000_2001-db8--1_10.0.0.2_4000_80_2.pcap"));
	cr_assert_eq(queue_get(q, "not/there", &fd), -ENOENT);
	cr_assert_eq(queue_done(q, "not/there"), 0);
	struct queue *other;
	cr_assert_eq(queue_open(dir, "a/b", &other), -EINVAL);
	struct spool *t;
	static const char *const wrong[] = {"../up"};
	cr_assert_eq(spool_open(dir, wrong, 1, limits, &t), -EINVAL);
}

Test(spool, a_link_is_never_followed)
{
	char path[128];
	int fd;

	put(HOUR "a.pcap", "x");
	commit();
	snprintf(path, sizeof path, "%s/queue/analyzer/" HOUR "l.pcap", dir);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_assert_eq(queue_get(q, HOUR "l.pcap", &fd), -ELOOP);
}

Test(spool, folders_are_made_with_all_above_them)
{
	char path[128];
	struct queue *other;

	snprintf(path, sizeof path, "%s/x/y/z", dir);
	cr_assert_eq(queue_open(path, "analyzer", &other), 0);
	queue_close(&other);
	cr_assert_eq(queue_open("/proc/nowhere/spool", "analyzer", &other), -ENOENT);
}
