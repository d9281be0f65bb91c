/* restore: which checkpoint is gone on with, and what happens to one that cannot be read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flowagg/ckfile.h"
#include "flowagg/restore.h"
#include "flowagg_world.h"
#include "storage/journal.h"

#define MARK 77

static char dir[64], checkpoint[80];
static struct world w;
static struct agg a;
static bool restored; /* a holds something */

/* A disk that fails as it is told, call by call, and is the real one afterwards. */
static struct {
	int heads[4], load[4]; /* what the calls say; 0: the disk itself */
	unsigned headed, loaded, pauses;
} disk;

static int disk_heads(const char *path, uint64_t *next, uint64_t *next_seal)
{
	unsigned call = disk.headed++;
	int rc = call < 4 ? disk.heads[call] : 0;

	return rc ? rc : ckfile_heads(path, next, next_seal);
}

static int disk_load(const char *path, struct agg *out, const struct agg_limits *limits,
		     agg_seal_fn seal, void *arg)
{
	unsigned call = disk.loaded++;
	int rc = call < 4 ? disk.load[call] : 0;

	return rc ? rc : ckfile_load(path, out, limits, seal, arg);
}

static void disk_pause(void)
{
	disk.pauses++;
}

static const struct restore_disk faulty = {disk_heads, disk_load, disk_pause};

/* A checkpoint of two open flows and three packets; beside it a mark. */
static void setup(void)
{
	strcpy(dir, "/tmp/lurker-restore-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", dir);
	world_init(&w, &world_limits);
	SEND(&w, 0, frame_tcp(A, 1, B, 80, TCP_SYN, 1, 0));
	SEND(&w, 1, frame_udp(A, 1, B, 53, 100));
	SEND(&w, 2, frame_udp(A, 1, B, 53, 100));
	cr_assert_eq(ckfile_save(checkpoint, &w.agg), 0);
	cr_assert_eq(journal_mark_set(dir, "flowagg", MARK), 0);
}

static void teardown(void)
{
	char cmd[128];

	if (restored)
		agg_fini(&a);
	world_fini(&w);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(restore, .init = setup, .fini = teardown);

static struct restore_point find(int want)
{
	struct restore_point point;

	cr_assert_eq(restore_find(&faulty, checkpoint, &point), want);
	return point;
}

/* Whether agg begins empty. */
static bool restores_fresh(const struct restore_point *point)
{
	bool fresh;

	cr_assert_eq(restore_agg(&faulty, checkpoint, dir, point, &world_limits, w.agg.seal, &w, &a,
				 &fresh),
		     0);
	restored = true;
	return fresh;
}

static void assert_whole(void)
{
	cr_assert_eq(a.next, 4);
	cr_assert_eq(a.table.used, 2, "open flows");
	cr_assert_eq(a.counts.restored, 3, "packets");
	cr_assert_eq(memcmp(a.seed, w.agg.seed, sizeof a.seed), 0);
}

static void assert_empty(uint64_t next)
{
	cr_assert_eq(a.next, next, "%lu, not %lu", a.next, next);
	cr_assert_eq(a.table.used, 0);
	cr_assert_eq(a.counts.restored, 0);
	cr_assert_neq(memcmp(a.seed, w.agg.seed, sizeof a.seed), 0, "the seed is a new one");
}

static void damage(void)
{
	FILE *f = fopen(checkpoint, "r+");

	cr_assert(f);
	cr_assert_eq(fseek(f, 60, SEEK_SET), 0);
	int byte = fgetc(f);
	cr_assert_eq(fseek(f, 60, SEEK_SET), 0);
	cr_assert_neq(fputc(byte ^ 1, f), EOF);
	cr_assert_eq(fclose(f), 0);
}

Test(restore, a_whole_checkpoint_is_gone_on_with)
{
	struct restore_point point = find(0);

	cr_assert_eq(point.found, RESTORE_WHOLE);
	cr_assert_eq(point.next, 4);
	cr_assert_eq(point.next_seal, w.agg.next_seal);
	cr_assert_not(restores_fresh(&point));
	assert_whole();
	cr_assert_eq(disk.pauses, 0);
}

Test(restore, without_a_checkpoint_the_journal_is_read_from_its_beginning)
{
	cr_assert_eq(unlink(checkpoint), 0);
	struct restore_point point = find(0);
	cr_assert_eq(point.found, RESTORE_ABSENT);
	cr_assert_eq(point.next_seal, 1);
	cr_assert(restores_fresh(&point));
	assert_empty(0);
	cr_assert_eq(disk.loaded, 0);
}

Test(restore, a_damaged_checkpoint_goes_on_from_the_mark)
{
	damage();
	struct restore_point point = find(0);
	cr_assert_eq(point.found, RESTORE_DAMAGED);
	cr_assert_eq(point.next, 0);
	cr_assert_eq(point.next_seal, 1);
	cr_assert(restores_fresh(&point));
	assert_empty(MARK);
	cr_assert_eq(disk.headed, 1, "bytes that are wrong stay wrong");
	cr_assert_eq(disk.loaded, 0);
}

Test(restore, a_damaged_checkpoint_without_a_mark_reads_the_whole_journal)
{
	char mark[96];

	damage();
	snprintf(mark, sizeof mark, "%s/flowagg.mark", dir);
	cr_assert_eq(unlink(mark), 0);
	struct restore_point point = find(0);
	cr_assert(restores_fresh(&point));
	assert_empty(0);
}

Test(restore, another_version_is_begun_without)
{
	disk.heads[0] = -EPROTONOSUPPORT;
	struct restore_point point = find(0);
	cr_assert_eq(point.found, RESTORE_DAMAGED);
	cr_assert(restores_fresh(&point));
	assert_empty(MARK);
}

Test(restore, a_disk_that_fails_twice_is_asked_a_third_time)
{
	disk.heads[0] = disk.heads[1] = -EIO;
	struct restore_point point = find(0);
	cr_assert_eq(point.found, RESTORE_WHOLE);
	cr_assert_eq(disk.headed, 3);
	cr_assert_eq(disk.pauses, 2);
	disk.load[0] = disk.load[1] = -EIO;
	cr_assert_not(restores_fresh(&point));
	assert_whole();
	cr_assert_eq(disk.loaded, 3);
	cr_assert_eq(disk.pauses, 4);
}

Test(restore, a_disk_that_fails_three_times_costs_the_open_flows)
{
	for (int i = 0; i < 3; i++)
		disk.heads[i] = -EIO; /* the fourth time would be good */
	struct restore_point point = find(0);
	cr_assert_eq(point.found, RESTORE_DAMAGED);
	cr_assert_eq(disk.headed, RESTORE_ATTEMPTS);
	cr_assert_eq(disk.pauses, 2);
	cr_assert(restores_fresh(&point));
	assert_empty(MARK);
	cr_assert_eq(disk.loaded, 0);
}

Test(restore, a_disk_that_fails_at_the_second_look_costs_the_open_flows)
{
	struct restore_point point = find(0);

	for (int i = 0; i < 3; i++)
		disk.load[i] = -EIO;
	cr_assert(restores_fresh(&point));
	assert_empty(MARK);
	cr_assert_eq(disk.loaded, RESTORE_ATTEMPTS);
	cr_assert_eq(disk.pauses, 2);
}

Test(restore, an_error_that_may_pass_ends_the_start)
{
	struct restore_point point;
	bool fresh;

	disk.heads[0] = -EACCES;
	find(-EACCES);
	cr_assert_eq(disk.headed, 1);
	point = find(0);
	disk.load[0] = -ENOMEM;
	cr_assert_eq(restore_agg(&faulty, checkpoint, dir, &point, &world_limits, w.agg.seal, &w,
				 &a, &fresh),
		     -ENOMEM);
	cr_assert_eq(disk.loaded, 1);
	cr_assert_eq(disk.pauses, 0);
	/* And the checkpoint is as good as before. */
	cr_assert_not(restores_fresh(&point));
	assert_whole();
}
