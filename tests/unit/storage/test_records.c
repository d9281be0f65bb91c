/* records: what is written is read, whatever writes fail, and days go on. */
#include <errno.h>
#include <glob.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "records_world.h"
#include "storage/records_day.h"

static int sync_failures; /* so many fdatasync from now on fail, and lose all that the file has */

/* In place of libc's. Of what a disk did not take, Linux tells once, and the pages may go. */
int fdatasync(int fd)
{
	struct stat st;
	char file[64], zeros[4096] = "";
	if (!sync_failures)
		return (int)syscall(SYS_fdatasync, fd);
	sync_failures--;
	snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
	int to = open(file, O_WRONLY);
	cr_assert(fstat(fd, &st) == 0 && st.st_size <= (off_t)sizeof zeros);
	cr_assert_eq(pwrite(to, zeros, (size_t)st.st_size, 0), st.st_size);
	close(to);
	errno = EIO;
	return -1;
}

Test(records, what_was_not_synced_is_written_again_where_it_was)
{
	static const char *const all[] = {"{\"a\":1}", "{\"b\":2}", "{\"c\":3}", NULL};
	open_writer(0, 1);
	open_reader((struct records_pos){0});
	append(D0, all[0]);
	append(D0, all[1]);
	cr_assert_str_eq(next(), all[0]);
	cr_assert_str_eq(next(), all[1]);
	sync_failures = 2;
	cr_assert_eq(records_sync(w), -EIO);
	cr_assert_eq(records_sync(w), -EIO, "nothing was written since");
	for (int i = 0; i < 2; i++)
		append(D0, all[i]);
	cr_assert_eq(records_sync(w), -EIO, "and again");
	for (int i = 0; i < 3; i++)
		append(D0, all[i]);
	cr_assert_eq(records_sync(w), 0);
	/* Who has read it already reads on, who comes later reads all. */
	cr_assert_str_eq(next(), all[2]);
	cr_assert_str_eq(next(), "");
	open_reader((struct records_pos){0});
	reads(all);
	/* And what comes then goes to the end. */
	append(D0, "{\"d\":4}");
	cr_assert_eq(records_sync(w), 0);
	cr_assert_str_eq(next(), "{\"d\":4}");
}

Test(records, what_was_not_synced_comes_anew_when_others_wrote_between)
{
	static const char *const all[] = {"{\"a\":1}", "{\"b\":2}", NULL};
	struct records *other;
	open_writer(0, 1);
	cr_assert_eq(records_open(dir, 0, 1, &other), 0);
	append(D0, all[0]);
	cr_assert_eq(records_append(other, D0, bytes_str("{\"other\":1}")), 0);
	append(D0, all[1]);
	sync_failures = 1;
	cr_assert_eq(records_sync(w), -EIO);
	append(D0, all[0]);
	append(D0, all[1]);
	cr_assert_eq(records_sync(w), 0);
	records_close(&other);
	open_reader((struct records_pos){0});
	while (records_reader_skipped(r) == 0)
		cr_assert_str_eq(next(), all[0]); /* the lost ones are one line of zeros */
	cr_assert_str_eq(next(), all[1]);
	cr_assert_str_eq(next(), "");
}

Test(records, what_was_not_synced_when_a_day_ends_comes_anew)
{
	static const char *const all[] = {"{\"a\":1}", "{\"b\":2}", NULL};
	open_writer(0, 1);
	append(D0, all[0]);
	sync_failures = 1;
	append(D0 + DAY, all[1]);
	cr_assert_eq(records_sync(w), -EIO);
	append(D0 + DAY, all[0]);
	append(D0 + DAY, all[1]);
	cr_assert_eq(records_sync(w), 0);
	open_reader((struct records_pos){.day = day_of_ns(D0 + DAY)});
	cr_assert_str_eq(next(), all[1]); /* its first time: it was in no danger */
	reads(all);
}

Test(records, days)
{
	uint32_t day;
	bool gz;
	char name[DAY_NAME];
	cr_assert_eq(day_of_ns(0), 19700101);
	cr_assert_eq(day_of_ns(D0 - 1), 20241003);
	cr_assert_eq(day_of_ns(D0), 20241004);
	cr_assert_eq(day_next(20231231), 20240101);
	cr_assert_eq(day_next(20240228), 20240229);
	cr_assert_eq(day_number(20241004), 20000);
	day_name(20241004, true, name);
	cr_assert_str_eq(name, "2024-10-04.jsonl.gz");
	cr_assert(day_parse(name, &day, &gz) && day == 20241004 && gz);
	cr_assert(day_parse("1999-12-31.jsonl", &day, &gz) && day == 19991231 && !gz);
	static const char *const bad[] = {"",
					  "x",
					  "2024-13-01.jsonl",
					  "2023-02-29.jsonl",
					  "2024-10-04.json",
					  "2024-10-04.jsonl.gz.tmp",
					  "2024-1-04.jsonl",
					  "2024-00-10.jsonl",
					  "2024-10-04.jsonl~"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_not(day_parse(bad[i], &day, &gz), "%s", bad[i]);
}

Test(records, read_as_written_across_days)
{
	open_writer(0, 10);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "");
	cr_assert_eq(append(D0, "{\"n\":1}"), 0);
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_eq(pos.day, 20241004);
	cr_assert_eq(pos.offset, 8);
	cr_assert_str_eq(next(), "");
	append(D0 + DAY - 1, "{\"n\":2}");
	append(D0 + 3 * DAY, "{\"n\":3}");
	cr_assert_eq(records_sync(w), 0);
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_str_eq(next(), "{\"n\":3}");
	cr_assert_eq(pos.day, 20241007);
	cr_assert_str_eq(next(), "");
	append(D0 + 3 * DAY, "{\"n\":4}");
	cr_assert_str_eq(next(), "{\"n\":4}");
	cr_assert_eq(records_reader_skipped(r), 0);
}

Test(records, a_saved_place_goes_on_where_it_was)
{
	open_writer(0, 10);
	append(D0, "{\"n\":1}");
	append(D0, "{\"n\":2}");
	append(D0 + DAY, "{\"n\":3}");
	open_reader((struct records_pos){0});
	next();
	open_reader(pos);
	cr_assert_str_eq(next(), "{\"n\":2}");
	open_reader(pos);
	cr_assert_str_eq(next(), "{\"n\":3}");
	open_reader(pos);
	cr_assert_str_eq(next(), "");
	open_reader((struct records_pos){20241004, 1 << 20});
	cr_assert_str_eq(next(), "{\"n\":3}", "beyond the end of its day");
	open_reader((struct records_pos){20230101, 5});
	cr_assert_str_eq(next(), "{\"n\":1}", "a day that is gone");
}

Test(records, reader_may_come_before_the_writer)
{
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "");
	open_writer(0, 1);
	cr_assert_str_eq(next(), "");
	append(D0, "{}");
	cr_assert_str_eq(next(), "{}");
}

Test(records, an_unfinished_line_waits)
{
	open_writer(0, 1);
	open_reader((struct records_pos){0});
	put("2024-10-04.jsonl", "{\"a\"", 4);
	cr_assert_str_eq(next(), "");
	put("2024-10-04.jsonl", ":1}\n{\"b\"", 8);
	cr_assert_str_eq(next(), "{\"a\":1}");
	cr_assert_str_eq(next(), "");
	put("2024-10-04.jsonl", ":2}\n", 4);
	cr_assert_str_eq(next(), "{\"b\":2}");
}

Test(records, torn_lines_are_closed_and_skipped)
{
	open_writer(0, 1);
	/* Torn where it looks whole. */
	put("2024-10-04.jsonl", "{\"a\":{\"b\":1}", 12);
	cr_assert_eq(append(D0, "{\"n\":1}"), 0);
	/* And again while the file is open: a process that was killed in its write. */
	put("2024-10-04.jsonl", "{\"a\"", 4);
	cr_assert_eq(append(D0, "{\"n\":2}"), 0);
	put("2024-10-04.jsonl", "{\"z\":\"\0\0\"}\n\n[]\n", 15);
	put("2024-10-04.jsonl", "{\"last\":", 8);
	append(D0 + DAY, "{\"n\":3}");
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_str_eq(next(), "{\"n\":3}");
	cr_assert_eq(records_reader_skipped(r), 6);
}

Test(records, a_line_that_fails_leaves_nothing)
{
	struct stat st;
	open_writer(0, 1);
	append(D0, "{\"n\":1}");
	struct rlimit was, small = {12, 12};
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	cr_assert_lt(append(D0, "{\"n\":2}"), 0, "four bytes of it fit");
	setrlimit(RLIMIT_FSIZE, &was);
	cr_assert_eq(stat(path("2024-10-04.jsonl"), &st), 0);
	cr_assert_eq(st.st_size, 8);
	cr_assert_eq(append(D0, "{\"n\":3}"), 0);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "{\"n\":3}");
	cr_assert_eq(append(D0, ""), -EINVAL);
	cr_assert_eq(records_append(w, D0, bytes_of("x", (64u << 20) + 1)), -EINVAL);
}

Test(records, lines_that_are_too_long_are_skipped)
{
	size_t n = (64u << 20) + 100;
	char *big = malloc(n);
	memset(big, 'x', n);
	big[0] = '{';
	big[n - 2] = '}';
	big[n - 1] = '\n';
	open_writer(0, 1);
	append(D0, "{\"n\":1}");
	put("2024-10-04.jsonl", big, n);
	put("2024-10-04.jsonl", "{\"n\":2}\n", 8);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_eq(pos.offset, 16 + n);
	cr_assert_eq(records_reader_skipped(r), 1);
	/* The longest that may be appended is read. */
	big[(64u << 20) - 1] = '}';
	cr_assert_eq(records_append(w, D0, bytes_of(big, 64u << 20)), 0);
	struct bytes line;
	cr_assert_eq(records_next(r, &line, &pos), 1);
	cr_assert_eq(line.n, 64u << 20);
	free(big);
}

Test(records, a_clock_that_goes_back_stays_in_its_day)
{
	open_writer(0, 1);
	append(D0 + DAY, "{\"n\":1}");
	append(D0, "{\"n\":2}");
	records_close(&w);
	open_writer(0, 1);
	append(D0, "{\"n\":3}");
	cr_assert_not(exists("2024-10-04.jsonl"));
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_str_eq(next(), "{\"n\":3}");
}

/* The reader is at the end of a day when one writer goes on to the next, and another, late, still
 * means the day before: its line must come where the reader will see it. */
Test(records, a_late_writer_at_midnight_is_not_lost)
{
	struct records *late;
	open_writer(0, 1);
	cr_assert_eq(records_open(dir, 0, 1, &late), 0);
	cr_assert_eq(records_append(late, D0, bytes_str("{\"n\":1}")), 0);
	open_reader((struct records_pos){0});
	cr_assert_str_eq(next(), "{\"n\":1}");
	append(D0 + DAY, "{\"n\":2}");
	cr_assert_str_eq(next(), "{\"n\":2}");
	cr_assert_eq(records_append(late, D0 + DAY - 1, bytes_str("{\"n\":3}")), 0);
	cr_assert_str_eq(next(), "{\"n\":3}");
	records_close(&late);
}

/* Services are not root: a sealed file then cannot even be opened for writing. */
Test(records, without_privileges)
{
	if (geteuid() == 0) {
		cr_assert_eq(chown(top, 65534, 65534), 0);
		cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	}
	open_writer(0, 1);
	struct records *late;
	cr_assert_eq(records_open(dir, 0, 1, &late), 0);
	cr_assert_eq(records_append(late, D0, bytes_str("{\"n\":1}")), 0);
	cr_assert_eq(append(D0 + DAY, "{\"n\":2}"), 0);
	cr_assert_eq(records_append(late, D0, bytes_str("{\"n\":3}")), 0);
	records_close(&late);
	records_close(&w);
	/* The clock went back while the last day was sealed: a day after it. */
	cr_assert_eq(chmod(path("2024-10-05.jsonl"), 0440), 0);
	open_writer(0, 1);
	cr_assert_eq(append(D0, "{\"n\":4}"), 0);
	tidy_all(D0 + 3 * DAY);
	cr_assert(exists("2024-10-04.jsonl.gz") && exists("2024-10-05.jsonl.gz"));
	open_reader((struct records_pos){0});
	for (int i = 1; i <= 4; i++) {
		char want[16];
		snprintf(want, sizeof want, "{\"n\":%d}", i);
		cr_assert_str_eq(next(), want);
	}
	cr_assert_eq(pos.day, 20241006);
}

Test(records, processes_append_side_by_side)
{
	enum { WRITERS = 4, LINES = 2000 };
	records_open(dir, 0, 1, &w);
	records_close(&w);
	for (int k = 0; k < WRITERS; k++) {
		if (fork() == 0) {
			char text[600];
			struct records *mine;
			bool ok = records_open(dir, 0, 1, &mine) == 0;
			for (int i = 0; ok && i < LINES; i++) {
				int n = snprintf(text, sizeof text,
						 "{\"k\":%d,\"n\":%d,\"x\":\"%0*d\"}", k, i,
						 1 + i % 500, 0);
				/* Over midnight, each at a time of its own. */
				uint64_t now = D0 + (i > LINES / 2 + 50 * k ? DAY : 0);
				ok = records_append(mine, now, bytes_of(text, (size_t)n)) == 0;
			}
			_exit(ok ? 0 : 1);
		}
	}
	/* Read along. */
	int seen[WRITERS] = {0}, running = WRITERS, status;
	open_reader((struct records_pos){0});
	for (bool more = true; more || running > 0;) {
		int k, n;
		const char *text = next();
		more = *text;
		if (more) {
			cr_assert_eq(sscanf(text, "{\"k\":%d,\"n\":%d", &k, &n), 2);
			cr_assert_eq(n, seen[k], "in order, none missing");
			seen[k]++;
		} else if (running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			cr_assert_eq(status, 0);
			running--;
			more = true;
		}
	}
	for (int k = 0; k < WRITERS; k++)
		cr_assert_eq(seen[k], LINES);
	cr_assert_eq(records_reader_skipped(r), 0);
}
