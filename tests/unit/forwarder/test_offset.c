#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "forwarder/offset.h"

static char dir[] = "/tmp/lurker-test-XXXXXX", path[64];

static void begin(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/sink.offset", dir);
}

static void end(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(offset, .init = begin, .fini = end);

static int load_text(const char *text)
{
	struct records_pos pos;
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	return offset_load(path, &pos);
}

Test(offset, comes_back)
{
	struct records_pos pos = {0};
	cr_assert_eq(offset_load(path, &pos), -ENOENT);
	cr_assert_eq(offset_save(path, (struct records_pos){20260102, 1ull << 40}), 0);
	cr_assert_eq(offset_load(path, &pos), 0);
	cr_assert(pos.day == 20260102 && pos.offset == 1ull << 40);
	cr_assert_eq(offset_save(path, (struct records_pos){20260103, 0}), 0);
	cr_assert_eq(offset_load(path, &pos), 0);
	cr_assert(pos.day == 20260103 && pos.offset == 0);
}

Test(offset, a_damaged_file_is_said)
{
	static const char *const bad[] = {"",      "20260102", "20260102 ", "20260102 12",
					  "x 1\n", "1 y\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(load_text(bad[i]), -EINVAL, "%s", bad[i]);
	cr_assert_eq(load_text("20260102 12\n"), 0);
}

Test(offset, a_folder_that_is_not_there)
{
	cr_assert_eq(offset_save("/nonexistent/x", (struct records_pos){1, 1}), -ENOENT);
}
