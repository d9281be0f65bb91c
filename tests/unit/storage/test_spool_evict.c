/* The oldest bundles leave full queues, none that a consumer has in hand, and nothing else does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/spool.h"

static char dir[64];
static struct spool *s;
static struct queue *q;
static const char *const consumers[] = {"uploader", "analyzer", "third"};
static const struct spool_limits limits = {.max_bytes = 1 << 20, .max_files = 1000};

static void open_spool(size_t n)
{
	spool_close(&s);
	cr_assert_eq(spool_open(dir, consumers, n, limits, &s), 0);
}

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-evict-XXXXXX");
	cr_assert(mkdtemp(dir));
	open_spool(2);
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

TestSuite(evict, .init = setup, .fini = teardown);

static void put(const char *key)
{
	int fd;

	cr_assert_eq(spool_create(s, key, 8, &fd), 0);
	cr_assert_eq(write(fd, "12345678", 8), 8);
	if (spool_pending(s) == SPOOL_BATCH) {
		cr_assert_eq(spool_commit(s), 0);
		spool_forget(s);
	}
}

static void commit(void)
{
	cr_assert_eq(spool_commit(s), 0);
	spool_forget(s);
}

static bool there(const char *path)
{
	char full[512];

	snprintf(full, sizeof full, "%s/%s", dir, path);
	return access(full, F_OK) == 0;
}

static char taken[8][300];
static size_t ntaken;

static void note(void *arg, const char *consumer, const char *key, int fd)
{
	struct stat st;

	cr_assert_null(arg);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, 8);
	close(fd);
	cr_assert_lt(ntaken, 8);
	snprintf(taken[ntaken++], sizeof taken[0], "%s %s", consumer, key);
}

static int evict(void)
{
	ntaken = 0;
	return spool_evict(s, note, NULL);
}

#define DAY "pcap/2023/11/14/"

Test(evict, the_oldest_bundle_leaves_every_queue_and_goes_when_it_is_recorded)
{
	put(DAY "21/1699999000_data.pcap");
	put(DAY "22/bundle_00_900.pcap");
	put(DAY "21/bundle_59_800.pcap");
	put("pcap/2024/01/01/00/bundle_00_1000.pcap");
	commit();
	cr_assert_eq(evict(), 1);
	cr_assert_eq(ntaken, 2);
	cr_assert_str_eq(taken[0], "uploader " DAY "21/bundle_59_800.pcap");
	cr_assert_str_eq(taken[1], "analyzer " DAY "21/bundle_59_800.pcap");
	cr_assert_eq(spool_use(s).files, 3);
	cr_assert_eq(spool_use(s).bytes, 24);
	cr_assert_not(there("queue/analyzer/" DAY "21/bundle_59_800.pcap"));
	cr_assert(there("evicted/analyzer/" DAY "21/bundle_59_800.pcap"));
	cr_assert_eq(spool_evicted(s, "uploader", DAY "21/bundle_59_800.pcap"), 0);
	cr_assert_eq(spool_evicted(s, "analyzer", DAY "21/bundle_59_800.pcap"), 0);
	cr_assert_eq(spool_evicted(s, "analyzer", DAY "21/bundle_59_800.pcap"), 0, "was gone");
	cr_assert_not(there("evicted"));
	cr_assert_eq(evict(), 1);
	cr_assert_str_eq(taken[0], "uploader " DAY "22/bundle_00_900.pcap");
	cr_assert_eq(evict(), 1);
	cr_assert_str_eq(taken[0], "uploader pcap/2024/01/01/00/bundle_00_1000.pcap");
	cr_assert_eq(evict(), 0, "data never goes");
	cr_assert(there("queue/uploader/" DAY "21/1699999000_data.pcap"));
	cr_assert_eq(spool_use(s).files, 1);
}

Test(evict, the_oldest_of_any_queue_goes_first)
{
	char path[300];

	put(DAY "20/bundle_00_1.pcap");
	put(DAY "22/bundle_00_2.pcap");
	commit();
	snprintf(path, sizeof path, "rm -r %s/queue/uploader/" DAY "20", dir);
	cr_assert_eq(system(path), 0);
	cr_assert_eq(evict(), 1);
	cr_assert_eq(ntaken, 1);
	cr_assert_str_eq(taken[0], "analyzer " DAY "20/bundle_00_1.pcap");
}

Test(evict, after_nothing_a_new_bundle_is_seen_at_once)
{
	cr_assert_eq(evict(), 0);
	put(DAY "22/bundle_00_1.pcap");
	commit();
	cr_assert_eq(evict(), 1);
}

Test(evict, many_in_an_hour_go_in_the_order_of_their_numbers)
{
	char key[OBJECT_KEY_MAX], want[300];

	for (int i = 0; i < 600; i++) {
		/* Text would put 1000 before 999. */
		snprintf(key, sizeof key, DAY "22/bundle_07_%d.pcap", 700 + (i * 7) % 600);
		put(key);
		snprintf(key, sizeof key, DAY "22/%d_data.pcap", i);
		put(key);
	}
	commit();
	for (int i = 0; i < 600; i++) {
		cr_assert_eq(evict(), 1);
		snprintf(want, sizeof want, "uploader " DAY "22/bundle_07_%d.pcap", 700 + i);
		cr_assert_str_eq(taken[0], want);
	}
	cr_assert_eq(evict(), 0);
	cr_assert_eq(queue_count(q, 10000), 600);
}

Test(evict, what_a_consumer_has_in_hand_stays)
{
	int fd, second;

	put(DAY "22/bundle_00_1.pcap");
	put(DAY "22/bundle_00_2.pcap");
	commit();
	cr_assert_eq(queue_get(q, DAY "22/bundle_00_1.pcap", &fd), 0);
	second = dup(fd);
	cr_assert_eq(evict(), 1);
	cr_assert_str_eq(taken[1], "analyzer " DAY "22/bundle_00_2.pcap");
	close(fd);
	put(DAY "23/bundle_00_3.pcap");
	commit();
	cr_assert_eq(evict(), 1, "a duplicate holds it as well");
	cr_assert_str_eq(taken[1], "analyzer " DAY "23/bundle_00_3.pcap");
	close(second);
	put(DAY "23/bundle_00_4.pcap");
	commit();
	cr_assert_eq(evict(), 1, "at the end it begins at the oldest again");
	cr_assert_str_eq(taken[0], "uploader " DAY "22/bundle_00_1.pcap");
	cr_assert_eq(evict(), 1);
	cr_assert_str_eq(taken[0], "uploader " DAY "23/bundle_00_4.pcap");
}

static size_t nmet;

static void meet(void *arg, const char *consumer, const char *key, int fd)
{
	FILE *f = arg;

	fprintf(f, "%s %s\n", consumer, key);
	close(fd);
	nmet++;
}

/* Works the queue off while the test evicts from it; each key into the file before it is done. */
static void consume(FILE *f)
{
	char key[OBJECT_KEY_MAX];
	int fd;

	while (queue_next(q, key) == 1) {
		if (queue_get(q, key, &fd))
			continue;
		fprintf(f, "analyzer %s\n", key);
		if (queue_done(q, key))
			_exit(1);
		close(fd);
	}
	fflush(f);
	_exit(0);
}

Test(evict, consumer_and_sealer_never_take_the_same_entry)
{
	char path[300], key[OBJECT_KEY_MAX];
	int status;

	spool_close(&s);
	static const char *const one[] = {"analyzer"};
	cr_assert_eq(spool_open(dir, one, 1, (struct spool_limits){1 << 20, 100000}, &s), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof key, DAY "22/bundle_00_%d.pcap", 10000 + i);
		put(key);
	}
	commit();
	snprintf(path, sizeof path, "%s/taken", dir);
	FILE *f = fopen(path, "a");
	pid_t pid = fork();
	if (!pid)
		consume(f);
	while (spool_evict(s, meet, f) == 1)
		;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	while (spool_evict(s, meet, f) == 1)
		;
	fclose(f);
	cr_assert_gt(nmet, 0);
	cr_assert_eq(queue_count(q, 10000), 0);
	snprintf(path, sizeof path,
		 "test $(sort -u %s/taken | wc -l) = 3000 -a $(wc -l <%s/taken) = 3000", dir, dir);
	cr_assert_eq(system(path), 0, "each once");
}

Test(evict, an_entry_that_is_about_to_go_is_gone_for_its_consumer)
{
	char path[300];
	int fd;

	put(DAY "22/bundle_00_1.pcap");
	commit();
	snprintf(path, sizeof path, "%s/queue/uploader/" DAY "22/bundle_00_1.pcap", dir);
	int lock = open(path, O_RDONLY);
	cr_assert_eq(flock(lock, LOCK_EX), 0);
	cr_assert_eq(queue_get(q, DAY "22/bundle_00_1.pcap", &fd), -ENOENT);
	close(lock);
	cr_assert_eq(queue_get(q, DAY "22/bundle_00_1.pcap", &fd), 0);
	close(fd);
}

Test(evict, the_queue_of_a_former_consumer_gives_room_as_well)
{
	char path[300];

	open_spool(3);
	put(DAY "22/bundle_00_1.pcap");
	commit();
	open_spool(2);
	cr_assert_eq(evict(), 1);
	cr_assert_eq(ntaken, 3);
	cr_assert_str_eq(taken[2], "third " DAY "22/bundle_00_1.pcap");
	cr_assert_eq(spool_use(s).files, 0);
	/* One that only a part of the queues has, and one link elsewhere, as the archive has it. */
	put(DAY "22/bundle_00_2.pcap");
	commit();
	cr_assert_eq(queue_done(q, DAY "22/bundle_00_2.pcap"), 0);
	snprintf(path, sizeof path, "ln %s/queue/uploader/" DAY "22/bundle_00_2.pcap %s/archived",
		 dir, dir);
	cr_assert_eq(system(path), 0);
	open_spool(2);
	cr_assert_eq(spool_use(s).bytes, 4, "half of it");
	cr_assert_eq(evict(), 1);
	cr_assert_eq(ntaken, 1);
	cr_assert_eq(spool_use(s).bytes, 0);
}

Test(evict, what_a_killed_run_left_is_told_to_the_next)
{
	put(DAY "22/bundle_00_1.pcap");
	put(DAY "22/bundle_00_2.pcap");
	commit();
	cr_assert_eq(evict(), 1);
	cr_assert_eq(spool_evicted(s, "uploader", DAY "22/bundle_00_1.pcap"), 0);
	cr_assert_eq(evict(), 1);
	open_spool(2);
	ntaken = 0;
	cr_assert_eq(spool_left(s, 2, note, NULL), 0);
	cr_assert_eq(ntaken, 2, "no more than it asked for");
	ntaken = 0;
	cr_assert_eq(spool_left(s, 8, note, NULL), 0);
	cr_assert_eq(ntaken, 3);
	cr_assert_str_eq(taken[0], "uploader " DAY "22/bundle_00_2.pcap");
	cr_assert_eq(spool_use(s).files, 0);
	for (size_t i = 0; i < 3; i++) {
		char *key = strchr(taken[i], ' ');
		*key++ = '\0';
		cr_assert_eq(spool_evicted(s, taken[i], key), 0);
	}
	char path[300];
	snprintf(path, sizeof path, "mkdir -p %s/evicted/uploader/pcap/2023", dir);
	cr_assert_eq(system(path), 0);
	cr_assert_eq(spool_left(s, 8, note, NULL), 0);
	cr_assert_not(there("evicted"), "empty folders go");
}

Test(evict, half_a_commit_is_not_taken_apart)
{
	char path[300];

	put(DAY "22/bundle_00_1.pcap");
	snprintf(path, sizeof path, "%s/queue/analyzer/pcap", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	cr_assert_eq(spool_commit(s), -ENOTDIR);
	cr_assert(there("queue/uploader/" DAY "22/bundle_00_1.pcap"));
	cr_assert_eq(evict(), 0);
	unlink(path);
	commit();
	cr_assert_eq(evict(), 1);
	cr_assert_eq(ntaken, 2);
}
