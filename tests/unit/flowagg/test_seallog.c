/* seallog: what was delivered is known again after a crash, and only that. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flowagg/seallog.h"

static char dir[] = "/tmp/lurker-seals-XXXXXX", path[64];
static struct seallog l;

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/seals", dir);
	cr_assert_eq(seallog_open(path, 1, &l), 0);
}

static void teardown(void)
{
	seallog_close(&l);
	unlink(path);
	rmdir(dir);
}

TestSuite(seallog, .init = setup, .fini = teardown);

static struct seal_record rec(uint64_t n)
{
	struct seal_record r = {.number = n, .file_bytes = 100 + n};
	memset(r.id, (int)n, sizeof r.id);
	return r;
}

static void add(uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++) {
		struct seal_record r = rec(n);
		cr_assert_eq(seallog_add(&l, &r, 1), 0);
	}
}

static void reopen(uint64_t from)
{
	seallog_close(&l);
	cr_assert_eq(seallog_open(path, from, &l), 0);
}

static bool knows(uint64_t n)
{
	struct seal_record r = rec(n);
	return seallog_knows(&l, &r);
}

Test(seallog, knows_what_was_delivered_after_the_checkpoint)
{
	struct seal_record many[200];

	add(1, 3);
	for (uint64_t i = 0; i < 200; i++)
		many[i] = rec(4 + i);
	cr_assert_eq(seallog_add(&l, many, 200), 0);
	cr_assert_not(knows(1), "the run that delivered it does not see it again");
	reopen(3);
	cr_assert_eq(l.n, 203);
	cr_assert(knows(3));
	cr_assert(knows(4));
	cr_assert(knows(203));
	cr_assert_not(knows(204));
	cr_assert_not(knows(205));
}

Test(seallog, another_file_under_the_same_number_is_not_known)
{
	add(1, 3);
	reopen(1);
	struct seal_record r = rec(1);
	r.file_bytes++;
	cr_assert_not(seallog_knows(&l, &r));
	r = rec(2);
	r.id[15]++;
	cr_assert_not(seallog_knows(&l, &r));
	cr_assert(knows(3));
}

Test(seallog, a_torn_end_is_cut_off_and_written_over)
{
	add(1, 3);
	cr_assert_eq(truncate(path, 3 * SEALLOG_RECORD - 1), 0);
	reopen(1);
	cr_assert_eq(l.n, 2);
	add(3, 4);
	reopen(1);
	cr_assert(knows(1) && knows(2) && knows(3) && knows(4));
}

Test(seallog, a_checkpoint_empties_it_but_for_what_lies_ahead)
{
	add(1, 5);
	reopen(1);
	cr_assert(knows(1));
	cr_assert_eq(seallog_restart(&l, 3), 0); /* a checkpoint in the middle of a replay */
	cr_assert_eq(l.n, 3);
	reopen(3);
	cr_assert(knows(3) && knows(4) && knows(5));
	cr_assert_eq(seallog_restart(&l, 6), 0);
	reopen(6);
	cr_assert_eq(l.n, 0);
}

Test(seallog, numbers_that_do_not_ascend_are_passed_over)
{
	add(5, 6);
	add(2, 2);
	reopen(1);
	cr_assert_eq(l.nknown, 2);
	cr_assert_not(knows(2));
	cr_assert(knows(5));
}

Test(seallog, nowhere_to_write)
{
	struct seallog m;
	cr_assert_eq(seallog_open("/nowhere/seals", 1, &m), -2);
}
