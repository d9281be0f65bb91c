#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

#define S UINT64_C(1000000000)

static void file_at(const char *root, const char *path, long mtime)
{
	char full[512];
	snprintf(full, sizeof full, "%s/%s", root, path);
	for (char *p = full + strlen(root) + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(full, 0755);
			*p = '/';
		}
	FILE *f = fopen(full, "w");
	cr_assert(f);
	fclose(f);
	const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	cr_assert_eq(utimensat(AT_FDCWD, full, times, 0), 0);
}

Test(disk, the_age_of_a_queue_is_that_of_its_first_name)
{
	char root[] = "/tmp/lurker-disk-XXXXXX", path[512];
	cr_assert(mkdtemp(root));
	struct expo_disk d;
	disk_look("/nonexistent", 100 * S, &d);
	cr_expect_not(d.known);
	disk_look(root, 100 * S, &d);
	cr_expect(d.known && d.size_bytes && d.n == 0);
	file_at(root, "spool/queue/analyzer/pcap/2026/11/21/09/1_b.pcap", 40);
	file_at(root, "spool/queue/analyzer/pcap/2026/11/21/09/1_a.pcap", 60);
	file_at(root, "spool/queue/analyzer/pcap/2026/11/21/08/0.pcap", 1);
	snprintf(path, sizeof path, "%s/spool/queue/analyzer/pcap/2026/11/21/08/0.pcap", root);
	unlink(path); /* an hour that is worked off */
	file_at(root, "spool/queue/uploader/x", 1);
	snprintf(path, sizeof path, "%s/spool/queue/uploader/x", root);
	unlink(path);
	disk_look(root, 100 * S, &d);
	cr_assert_eq(d.n, 2);
	cr_expect_str_eq(d.queue[0].name, "analyzer");
	cr_expect_eq(d.queue[0].age_s, 40);
	cr_expect_eq(d.queue[1].age_s, 0);
	snprintf(path, sizeof path, "rm -rf %s", root);
	cr_expect_eq(system(path), 0);
}
