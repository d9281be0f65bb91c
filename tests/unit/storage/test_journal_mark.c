/* journal: what a reader has not passed stays on a full disk, and counts when it goes. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal_world.h"

Test(journal, marks)
{
	uint64_t n;
	char path[128];

	cr_assert_eq(journal_mark_get(dir, "flowagg", &n), -ENOENT);
	cr_assert_eq(journal_mark_set(dir, "flowagg", 4711), 0);
	cr_assert_eq(journal_mark_get(dir, "flowagg", &n), 0);
	cr_assert_eq(n, 4711);
	snprintf(path, sizeof path, "%s/flowagg.mark", dir);
	cr_assert_eq(truncate(path, 7), 0);
	cr_assert_eq(journal_mark_get(dir, "flowagg", &n), -EBADMSG);
	cr_assert_eq(journal_mark_set("/nowhere", "flowagg", 1), -ENOENT);
}

Test(journal, what_no_reader_had_seen_is_counted_when_it_is_removed)
{
	for (int i = 0; i < 100; i++)
		append(5);
	cr_assert_eq(journal_use(j).removed_unread, 0, "nobody has a mark");
	uint64_t oldest = journal_use(j).oldest;
	cr_assert_eq(journal_mark_set(dir, "flowagg", oldest + 3), 0);
	while (journal_use(j).oldest == oldest)
		append(5);
	/* A segment is 9 packets or fewer. */
	cr_assert_eq(journal_use(j).removed_unread, journal_use(j).oldest - oldest - 3);
}

/* The disk is full for the next so many writes. */
static int full;

ssize_t write(int fd, const void *p, size_t n)
{
	if (full && fd > STDERR_FILENO) {
		full--;
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, p, n);
}

/* Two closed segments and an open one. */
static void three_segments(void)
{
	for (int i = 0; i < 5; i++)
		append(5);
	cr_assert_geq(journal_use(j).segments, 3);
}

/* What the append of one packet returns on a disk that is full for one write. */
static int append_to_full(void)
{
	uint8_t data[84] = {0};
	uint64_t first;
	uint32_t taken;

	journal_batch_reset(b);
	cr_assert_eq(journal_batch_add(b, journal_next_number(j), sizeof data, 100, data), 0);
	full = 1;
	int rc = journal_append(j, b, 0, &first, &taken);
	full = 0;
	return rc;
}

Test(journal, a_full_disk_takes_what_the_reader_has_passed)
{
	three_segments();
	cr_assert_eq(journal_mark_set(dir, "flowagg", 1), 0);
	cr_expect_eq(append_to_full(), -ENOSPC);
	cr_expect_eq(journal_use(j).removed, 0);
	cr_assert_eq(journal_mark_set(dir, "flowagg", journal_next_number(j)), 0);
	cr_expect_eq(append_to_full(), 0);
	cr_expect_eq(journal_use(j).removed, 1);
	cr_expect_eq(journal_use(j).removed_unread, 0);
}

Test(journal, a_full_disk_takes_the_oldest_when_there_is_no_reader)
{
	three_segments();
	cr_expect_eq(append_to_full(), 0);
	cr_expect_eq(journal_use(j).removed, 1);
	cr_expect_eq(journal_use(j).removed_unread, 0);
}

Test(journal, a_full_disk_takes_nothing_when_the_mark_is_damaged)
{
	char path[128];

	three_segments();
	cr_assert_eq(journal_mark_set(dir, "flowagg", journal_next_number(j)), 0);
	snprintf(path, sizeof path, "%s/flowagg.mark", dir);
	cr_assert_eq(truncate(path, 7), 0);
	cr_expect_eq(append_to_full(), -ENOSPC);
	cr_expect_eq(journal_use(j).removed, 0);
}

Test(journal, a_full_disk_takes_nothing_when_the_mark_cannot_be_read)
{
	char path[128];

	three_segments();
	snprintf(path, sizeof path, "%s/flowagg.mark", dir);
	cr_assert_eq(mkdir(path, 0700), 0); /* read() says EISDIR, whoever asks */
	cr_expect_eq(append_to_full(), -ENOSPC);
	cr_expect_eq(journal_use(j).removed, 0);
}

/* The total is kept whatever the mark says; then what it cannot tell counts as unread. */
Test(journal, what_is_removed_under_an_unreadable_mark_counts_as_unread)
{
	char path[128];

	three_segments();
	snprintf(path, sizeof path, "%s/flowagg.mark", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	uint64_t oldest = journal_use(j).oldest;
	while (journal_use(j).oldest == oldest)
		append(5);
	cr_expect_eq(journal_use(j).removed_unread, journal_use(j).oldest - oldest);
}

Test(journal, how_far_a_reader_is_behind)
{
	cr_assert_eq(journal_bytes_after(j, 1), 0);
	append(5);
	append(4);
	append(1); /* the second segment */
	cr_assert_eq(journal_use(j).segments, 2);
	cr_assert_eq(journal_bytes_after(j, 10), 124);
	cr_assert_eq(journal_bytes_after(j, 3), 124 + 924);
	cr_assert_eq(journal_bytes_after(j, 0), 124 + 924);
}
