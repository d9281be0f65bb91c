#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"
#include "uploader/archive.h"

static struct archive a;
static uint64_t each; /* disk space of one 5,000-byte file here */

static void begin(void)
{
	struct stat st;
	tree_begin();
	tree_file("probe", 'p', 5000);
	stat(tree_path("probe"), &st);
	each = (uint64_t)st.st_blocks * 512;
	unlink(tree_path("probe"));
}

static void end(void)
{
	close(a.fd);
	tree_end();
}

TestSuite(archive, .init = begin, .fini = end);

static void hour(const char *folder, int files)
{
	char name[128];
	for (int i = 0; i < files; i++) {
		snprintf(name, sizeof name, "%s/%d.pcap", folder, i);
		tree_file(name, 'x', 5000);
	}
}

static void open_with(uint64_t max)
{
	archive_init(&a, open(tree_path(""), O_RDONLY | O_DIRECTORY), max);
	cr_assert(a.fd >= 0);
}

static void settle(void)
{
	int steps = 0;
	while (archive_tidy(&a))
		cr_assert(++steps < 1000, "it does not come to an end");
}

Test(archive, sums_what_is_there)
{
	hour("pcap/2026/01/02/03", 3);
	hour("pcap/2026/01/02/04", 2);
	hour("pcap/2025/12/31/23", 1);
	open_with(1000 * each);
	settle();
	cr_assert(a.summed);
	cr_assert_eq(a.bytes, 6 * each);
	cr_assert_eq(a.removed, 0);
}

Test(archive, without_a_limit_it_does_nothing)
{
	hour("pcap/2026/01/02/03", 3);
	open_with(0);
	cr_assert_not(archive_tidy(&a));
	cr_assert_eq(a.bytes, 0);
}

Test(archive, the_oldest_hours_go_first)
{
	hour("pcap/2026/01/02/03", 3);
	hour("pcap/2026/01/02/04", 2);
	hour("pcap/2025/12/31/23", 1);
	open_with(4 * each + each / 2);
	settle();
	cr_assert_eq(a.removed, 4, "%d", (int)a.removed);
	cr_assert_eq(a.removed_bytes, 4 * each);
	cr_assert_eq(a.bytes, 2 * each);
	cr_assert_eq(tree_count("pcap/2026/01/02/04"), 2);
	cr_assert_eq(access(tree_path("pcap/2025"), F_OK), -1, "empty folders go too");
	cr_assert_eq(access(tree_path("pcap/2026/01/02/03"), F_OK), -1);
}

Test(archive, large_hours_go_in_steps)
{
	hour("pcap/2026/01/02/03", 600);
	open_with(each);
	cr_assert(archive_tidy(&a));
	cr_assert(archive_tidy(&a));
	cr_assert_eq(a.removed, 256, "one step: %d", (int)a.removed);
	settle();
	cr_assert_eq(tree_count("."), 0);
}

Test(archive, what_comes_while_summing_is_counted_once)
{
	hour("pcap/2026/01/02/03", 1);
	hour("pcap/2026/01/02/04", 1);
	open_with(1000 * each);
	cr_assert(archive_tidy(&a)); /* 03 is summed */
	tree_file("pcap/2026/01/02/03/new.pcap", 'x', 5000);
	archive_add(&a, "pcap/2026/01/02/03/new.pcap", each);
	tree_file("pcap/2026/01/02/04/new.pcap", 'x', 5000);
	archive_add(&a, "pcap/2026/01/02/04/new.pcap", each);
	tree_file("pcap/2026/01/01/00/old.pcap", 'x', 5000);
	archive_add(&a, "pcap/2026/01/01/00/old.pcap", each);
	settle();
	cr_assert_eq(a.bytes, 5 * each, "%d", (int)(a.bytes / each));
	archive_add(&a, "pcap/2026/01/02/05/x.pcap", each);
	cr_assert_eq(a.bytes, 6 * each);
}

Test(archive, an_hour_that_cannot_be_emptied_is_passed_over)
{
	tree_file("pcap/2026/01/02/03/folder/x", 'x', 5000);
	hour("pcap/2026/01/02/04", 3);
	hour("pcap/2026/01/02/05", 1);
	open_with(2 * each);
	settle();
	cr_assert_eq(a.removed, 3);
	cr_assert_eq(tree_count("pcap/2026/01/02/05"), 1);
	cr_assert_eq(tree_count("pcap/2026/01/02/03"), 1);
}

Test(archive, removing_frees_a_part_of_the_limit)
{
	open_with(100 * each);
	settle();
	hour("pcap/2026/01/02/03", 2);
	hour("pcap/2026/01/02/04", 99);
	archive_add(&a, "pcap/2026/01/02/04/x", 100 * each);
	cr_assert_not(archive_tidy(&a), "at the limit is not beyond it");
	archive_add(&a, "pcap/2026/01/02/04/x", each);
	settle();
	cr_assert_eq(a.bytes, 99 * each);
	cr_assert_eq(a.removed, 2);
}
