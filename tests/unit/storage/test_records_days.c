/* records_tidy, records_ahead: old days are compressed and removed, and a wrong clock does no
 * harm. */
#include <errno.h>
#include <glob.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "records_world.h"
#include "storage/records_day.h"

Test(records, old_days_are_compressed_and_read_the_same)
{
	char text[64];
	open_writer(0, 2);
	for (int day = 0; day < 4; day++) {
		for (int i = 0; i < 30000; i++) {
			snprintf(text, sizeof text, "{\"day\":%d,\"n\":%d}", day, i);
			append(D0 + day * DAY, text);
		}
	}
	open_reader((struct records_pos){0});
	for (int i = 0; i < 15000; i++)
		next();
	struct records_pos middle = pos;
	int steps = 0;
	while (records_tidy(w, D0 + 3 * DAY + 1800000000000u, 0) == 1)
		steps++;
	cr_assert_gt(steps, 2, "in bounded steps");
	cr_assert(exists("2024-10-04.jsonl.gz") && !exists("2024-10-04.jsonl"));
	cr_assert(exists("2024-10-05.jsonl"), "an hour of grace after midnight");
	tidy_all(D0 + 3 * DAY + 3600000000000u);
	cr_assert(exists("2024-10-05.jsonl.gz") && !exists("2024-10-05.jsonl"));
	cr_assert(exists("2024-10-06.jsonl") && exists("2024-10-07.jsonl"));
	/* The open reader goes on in the file it has; a new one goes on in the compressed file. */
	for (int reopened = 0; reopened < 2; reopened++) {
		if (reopened)
			open_reader(middle);
		for (int i = 15000; i < 4 * 30000; i++) {
			snprintf(text, sizeof text, "{\"day\":%d,\"n\":%d}", i / 30000, i % 30000);
			cr_assert_str_eq(next(), text);
		}
		cr_assert_str_eq(next(), "");
	}
	cr_assert_eq(records_reader_skipped(r), 0);
	struct stat st;
	cr_assert_eq(stat(path("2024-10-04.jsonl.gz"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0440);
}

Test(records, old_days_are_removed)
{
	open_writer(3, 1);
	for (int day = 0; day < 8; day++) {
		append(D0 + day * DAY, "{}");
		if (day == 3)
			tidy_all(D0 + 3 * DAY + 7200000000000u);
	}
	tidy_all(D0 + 7 * DAY);
	cr_assert(exists("2024-10-08.jsonl.gz"));
	cr_assert(exists("2024-10-10.jsonl"));
	cr_assert(exists("2024-10-11.jsonl"));
	cr_assert_not(exists("2024-10-04.jsonl.gz"));
	cr_assert_not(exists("2024-10-07.jsonl"));
	cr_assert_not(exists("2024-10-07.jsonl.gz"));
	/* The last day stays, however old. */
	tidy_all(D0 + 400 * DAY);
	cr_assert(exists("2024-10-11.jsonl"));
	cr_assert_not(exists("2024-10-10.jsonl"));
	cr_assert_not(exists("2024-10-10.jsonl.gz"));
}

Test(records, a_clock_that_was_far_ahead_removes_nothing)
{
	open_writer(3, 1);
	append(D0, "{\"n\":0}");
	append(D0 + DAY, "{\"n\":1}");
	for (uint64_t s = 0; s < 7200;
	     s += 60) { /* it jumps at half an hour, and back at an hour and a half */
		uint64_t jump = s >= 1800 && s < 5400 - 60 ? 5000 * DAY : 0,
			 now = D0 + DAY + s * 1000000000u + jump;
		append(now, "{\"n\":2}");
		cr_assert_geq(records_tidy(w, now, s * 1000000000u), 0);
	}
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":0}");
	cr_assert_str_eq(next(), "{\"n\":1}");
}

/* Two days far ahead, a reader at the beginning, one in the middle of the last, and another
 * writer. */
Test(records, days_far_ahead_get_the_names_they_should_have_had)
{
	struct records *other;
	struct records_reader *late;
	struct records_pos place;
	struct bytes line;
	open_writer(0, 30);
	append(D0, "{\"n\":0}");
	append(D0 + 3000 * DAY, "{\"n\":1}");
	append(D0 + 5000 * DAY, "{\"n\":2}");
	append(D0, "{\"n\":3}");
	cr_assert_eq(records_open(dir, 0, 30, &other), 0);
	cr_assert_eq(records_append(other, D0, bytes_str("{\"n\":4}")), 0);
	open_reader((struct records_pos){0});
	for (int i = 0; i < 4; i++)
		next();
	place = pos;
	cr_assert_eq(day_number(place.day), 25000);
	tidy_all(D0 + DAY / 2);
	cr_assert(exists("2024-10-04.jsonl") && exists("2024-10-05.jsonl") &&
		  exists("2024-10-06.jsonl"));
	cr_assert(!exists("2032-12-21.jsonl") && !exists("2038-06-13.jsonl"));
	cr_assert_str_eq(next(), "{\"n\":4}");
	append(D0 + DAY, "{\"n\":5}");
	cr_assert_eq(records_append(other, D0 + DAY, bytes_str("{\"n\":6}")), 0);
	append(D0 + 3 * DAY, "{\"n\":7}");
	cr_assert_eq(records_append(other, D0 + 3 * DAY, bytes_str("{\"n\":8}")), 0);
	cr_assert(exists("2024-10-07.jsonl"));
	cr_assert_eq(records_reader_open(dir, place, &late), 0);
	for (int i = 4; i <= 8; i++) {
		char text[16];
		snprintf(text, sizeof text, "{\"n\":%d}", i);
		if (i > 4)
			cr_assert_str_eq(next(), text);
		cr_assert_eq(records_next(late, &line, &place), 1);
		cr_assert(bytes_eq(line, bytes_str(text)), "%s", text);
	}
	cr_assert_eq(place.day, 20241007);
	records_reader_close(&late);
	records_close(&other);
}

Test(records, with_a_clock_without_battery_no_day_is_renamed)
{
	open_writer(0, 30);
	append(D0, "{}");
	append(D0 + DAY, "{}");
	tidy_all(10 * DAY);
	cr_assert(exists("2024-10-04.jsonl") && exists("2024-10-05.jsonl"));
}

Test(records, compression_survives_crashes_and_company)
{
	open_writer(0, 1);
	append(D0, "{\"n\":1}");
	append(D0 + DAY, "{\"n\":2}");
	/* A crash left a part of it … */
	put("2024-10-04.jsonl.gz.tmp", "garbage", 7);
	/* … and meanwhile another process has it in work. */
	int fd = open(path("2024-10-04.jsonl.gz.tmp"), O_RDWR);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &l), 0);
	tidy_all(D0 + 2 * DAY);
	cr_assert(exists("2024-10-04.jsonl") && exists("2024-10-04.jsonl.gz.tmp"));
	close(fd);
	tidy_all(D0 + 2 * DAY);
	cr_assert(!exists("2024-10-04.jsonl") && !exists("2024-10-04.jsonl.gz.tmp"));
	/* A crash before the unlink: both forms; the plain one is read and goes at the next
	 * tidying. */
	chmod(path("2024-10-04.jsonl"), 0640);
	put("2024-10-04.jsonl", "{\"n\":1}\n", 8);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	tidy_all(D0 + 2 * DAY);
	cr_assert(!exists("2024-10-04.jsonl"));
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_str_eq(next(), "");
	/* No day is written again once it is compressed. */
	records_close(&w);
	unlink(path("2024-10-05.jsonl"));
	open_writer(0, 1);
	append(D0, "{\"n\":3}");
	cr_assert(!exists("2024-10-04.jsonl") && exists("2024-10-05.jsonl"));
}

Test(records, an_abandoned_compression_leaves_no_file)
{
	static char line[3000];
	open_writer(0, 1);
	memset(line, 'x', sizeof line - 1);
	for (int i = 0; i < 1000; i++)
		append(D0, line);
	append(D0 + DAY, "{}");
	cr_assert_eq(records_tidy(w, D0 + 2 * DAY, 0), 1);
	cr_assert(exists("2024-10-04.jsonl.gz.tmp"));
	records_close(&w);
	cr_assert(!exists("2024-10-04.jsonl.gz.tmp"));
	cr_assert(exists("2024-10-04.jsonl"));
}

Test(records, a_damaged_compressed_day_is_passed_over)
{
	static const uint8_t junk[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff};
	open_writer(0, 1);
	put("2024-10-03.jsonl.gz", junk, sizeof junk);
	append(D0, "{\"n\":1}");
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_eq(records_reader_skipped(r), 1);
}

/* Files that no writer of ours made: a copy, a restored backup. */
Test(records, unsealed_days_do_not_hold_a_reader)
{
	open_writer(0, 1);
	records_close(&w);
	put("2024-10-03.jsonl", "{\"n\":1}\n", 8);
	put("2024-10-04.jsonl", "{\"n\":2}\n", 8);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "", "what is not sealed may still grow");
	const char *text = "";
	for (int i = 0; i < 20 && !*text; i++)
		text = next();
	cr_assert_str_eq(text, "{\"n\":2}");
	struct stat st;
	open_writer(0, 1);
	cr_assert_eq(stat(path("2024-10-03.jsonl"), &st), 0);
	cr_assert(day_sealed(&st), "the next writer seals them");
	cr_assert_eq(stat(path("2024-10-04.jsonl"), &st), 0);
	cr_assert_not(day_sealed(&st), "but not the last one");
}

Test(records, a_removed_day_ends_for_its_reader)
{
	open_writer(0, 1);
	append(D0, "{\"n\":1}");
	open_reader((struct records_pos){0});
	next();
	append(D0, "{\"n\":2}");
	append(D0 + DAY, "{\"n\":3}");
	unlink(path("2024-10-04.jsonl"));
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_str_eq(next(), "{\"n\":3}");
}
