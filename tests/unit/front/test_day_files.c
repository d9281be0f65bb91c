#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "day_files.h"
#include "elsewhere.h"

TestSuite(day_files, .init = elsewhere);

static char seen[64][32];
static int nseen;

static int see(void *arg, struct bytes line)
{
	int *stop_at = arg;
	snprintf(seen[nseen++], 32, "%.*s", (int)line.n, (const char *)line.p);
	return stop_at && nseen == *stop_at ? -EINTR : 0;
}

static void write_file(const char *dir, const char *name, const char *text, bool packed)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	gzFile f = gzopen(path, packed ? "wb" : "wbT");
	cr_assert_eq(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
	gzclose(f);
}

Test(day_files, plain_and_packed)
{
	char dir[] = "/tmp/lurker-days-XXXXXX";
	cr_assert_not_null(mkdtemp(dir));
	write_file(dir, "2026-11-20.jsonl.gz", "a\nb\n", true);
	write_file(dir, "2026-11-21.jsonl", "c\n\nd\ntorn", false);
	write_file(dir, "2026-11-19.jsonl", "whole\n", false);
	write_file(dir, "2026-11-19.jsonl.gz", "half", false);
	write_file(dir, "notes.txt", "x\n", false);
	write_file(dir, "2026-11-18.jsonl.tmp", "x\n", false);
	struct day_files d;
	cr_assert_eq(day_files_open(dir, &d), 0);
	cr_assert_eq(d.n, 3);
	for (size_t i = 0; i < d.n; i++)
		cr_assert_eq(day_files_read(&d, i, see, NULL), 0);
	cr_assert_eq(nseen, 5);
	cr_expect_str_eq(seen[0], "whole");
	cr_expect_str_eq(seen[2], "b");
	cr_expect_str_eq(seen[4], "d");
	nseen = 0;
	int one = 1;
	cr_expect_eq(day_files_read(&d, 1, see, &one), -EINTR);
	day_files_close(&d);
	char cmd[600];
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
	cr_expect_eq(day_files_open(dir, &d), -ENOENT);
}

static void cut_file(const char *dir, const char *name, off_t at)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	cr_assert_eq(truncate(path, at), 0);
}

Test(day_files, broken_files_are_reported)
{
	char dir[] = "/tmp/lurker-days-XXXXXX", path[DAY_FILES_PATH_MAX];
	cr_assert_not_null(mkdtemp(dir));
	static const char text[] = "one\ntwo\n";
	write_file(dir, "2026-11-01.jsonl.gz", text, true);
	cut_file(dir, "2026-11-01.jsonl.gz", 0);
	write_file(dir, "2026-11-02.jsonl.gz", text, true);
	cut_file(dir, "2026-11-02.jsonl.gz", 5);
	write_file(dir, "2026-11-03.jsonl.gz", text, true);
	cut_file(dir, "2026-11-03.jsonl.gz", 22); /* in its checksum */
	write_file(dir, "2026-11-04.jsonl.gz", text, false);
	write_file(dir, "2026-11-05.jsonl", "", false);
	struct day_files d;
	cr_assert_eq(day_files_open(dir, &d), 0);
	cr_assert_eq(d.n, 5);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(day_files_read(&d, i, see, NULL), -EBADMSG, "%zu", i);
	cr_expect_geq(nseen, 2);
	cr_expect_eq(day_files_read(&d, 4, see, NULL), 0);
	day_files_path(&d, 0, path);
	cr_expect(strstr(path, "/2026-11-01.jsonl.gz"), "%s", path);
	day_files_close(&d);
	char cmd[600];
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
}
