#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "elsewhere.h"
#include "stat_history.h"
#include "stat_notes.h"
#include "storage/counters_file.h"

Test(stat_history, runs_are_added_up)
{
	struct stat_history t = {.until_ns = 1000};
	stat_three_runs(&t);
	cr_expect_eq(stat_history_service(&t, "capture")->nruns, 3);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 125);
	cr_expect_eq(stat_history_sum(&t, "capture", "dropped_size"), 2);
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", NULL), 1);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 131);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 7,
		     "after the last note of the killed run");
	cr_expect_eq(stat_history_sum(&t, "nobody", "received"), 0);
	cr_expect_eq(stat_history_sum(&t, "capture", "no_such"), 0);
	stat_history_free(&t);
}

Test(stat_history, a_period_begins_at_the_note_before_it)
{
	struct stat_history t = {.since_ns = 250, .until_ns = 450};
	stat_three_runs(&t);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 50,
		     "the rest of the first run, nothing of the second");
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", NULL), 51);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 99);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 0);
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 550, .until_ns = 1000};
	stat_three_runs(&t);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", NULL), 7,
		     "the run before the period was killed");
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 800, .until_ns = 1000};
	stat_three_runs(&t);
	cr_expect_eq(stat_history_sum(&t, "capture", "received"), 0);
	cr_expect_eq(stat_history_end(&t, "capture", "next_number"), 131,
		     "nothing since: as it stood");
	stat_history_free(&t);
}

static struct bytes json(const char *text)
{
	return bytes_str(text);
}

Test(stat_history, counters_on_disk_outlive_a_kill)
{
	char dir[] = "/tmp/lurker-counters-XXXXXX", path[128];
	struct counters_file *a;
	struct stat_history t;
	cr_assert(mkdtemp(dir));
	cr_expect_eq(stat_history_read(dir, 0, UINT64_MAX, &t), -ENOENT);
	snprintf(path, sizeof path, "%s/stat", dir);
	cr_assert_eq(mkdir(path, 0750), 0);
	cr_assert_eq(counters_file_open(dir, "x", &a), 0);
	cr_expect_eq(counters_file_note(a, NOON_NS, json("no"), false), -EINVAL);
	cr_expect_eq(counters_file_note(a, NOON_NS, json("{\"start_ns\":1,\"counters\":{\"n\":1}}"),
					false),
		     0);
	cr_expect_eq(counters_file_note(a, NOON_NS + NS_PER_S,
					json("{\"start_ns\":1,\"counters\":{\"n\":2}}"), false),
		     0);
	counters_file_close(&a); /* as a kill would: no last note */
	cr_assert_eq(stat_history_read(dir, 0, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 2, "from the file that is replaced");
	stat_history_free(&t);

	cr_assert_eq(counters_file_open(dir, "x", &a), 0);
	cr_expect_eq(counters_file_note(a, NOON_NS + 2 * NS_PER_S,
					json("{\"start_ns\":2,\"counters\":{\"n\":5}}"), false),
		     0);
	cr_expect_eq(counters_file_note(a, NOON_NS + 2 * NS_PER_S + COUNTERS_FILE_EVERY_NS,
					json("{\"start_ns\":2,\"counters\":{\"n\":6}}"), false),
		     0);
	cr_expect_eq(counters_file_note(a, NOON_NS + 700 * NS_PER_S,
					json("{\"start_ns\":2,\"counters\":{\"n\":7}}"), true),
		     0);
	counters_file_close(&a);
	cr_assert_eq(stat_history_read(dir, 0, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 9, "both runs");
	const struct stat_history_service *s = stat_history_service(&t, "x");
	cr_expect(s->nruns == 2 && s->run[0].killed && !s->run[1].killed);
	stat_history_free(&t);
	cr_assert_eq(stat_history_read(dir, NOON_NS + 5 * NS_PER_S, UINT64_MAX, &t), 0);
	cr_expect_eq(stat_history_sum(&t, "x", "n"), 2, "since the note before");
	stat_history_free(&t);
	snprintf(path, sizeof path, "rm -r %s", dir);
	cr_assert_eq(system(path), 0);
}
