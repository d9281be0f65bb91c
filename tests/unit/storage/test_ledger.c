/* ledger: whole lines, in bounded space, and no sum changes. */
#include "storage/ledger.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-ledger-XXXXXX");
	cr_assert(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(ledger, .init = setup, .fini = teardown);

/* Sums of what a ledger says. */
static uint64_t packets, entries, lines, named;

static int add(void *arg, const struct ledger_line *e)
{
	packets += e->packets;
	entries += e->entries;
	lines++;
	named += e->key != NULL;
	return arg && e->key && strcmp(e->key, arg) == 0 ? -EXDEV : 0;
}

static int sum(const char *path, char *stop)
{
	packets = entries = lines = named = 0;
	return ledger_read(path, add, stop);
}

Test(ledger, keeps_whole_lines_only)
{
	const struct ledger_line v[] = {{"uploader", "pcap/a", 5, 1}, {"analyzer", "pcap/a", 5, 1}};
	struct ledger l;
	char path[100];

	snprintf(path, sizeof path, "%s/log", dir);
	cr_assert_eq(sum(path, NULL), 0, "none yet");
	ledger_init(&l, path, 1000);
	cr_assert_eq(ledger_add(&l, v, 2), 0);
	ledger_close(&l);
	FILE *f = fopen(path, "a");
	fputs("uploader pcap/b 7 ", f); /* power went */
	fclose(f);
	cr_assert_eq(sum(path, NULL), 0);
	cr_assert_eq(packets, 10);
	ledger_init(&l, path, 1000);
	cr_assert_eq(ledger_add(&l, v, 1), 0);
	ledger_close(&l);
	cr_assert_eq(sum(path, NULL), 0);
	cr_assert_eq(lines, 3);
	cr_assert_eq(packets, 15);
	cr_assert_eq(sum(path, "pcap/a"), -EXDEV);
	cr_assert_eq(lines, 1, "the callback ended it");
	ledger_init(&l, "/proc/nowhere/log", 1000);
	cr_assert_eq(ledger_add(&l, v, 1), -ENOENT);
}

Test(ledger, adds_up_what_is_old)
{
	struct ledger l;
	char path[100], key[64];
	struct stat st;

	snprintf(path, sizeof path, "%s/log", dir);
	ledger_init(&l, path, 1000);
	for (int i = 0; i < 500; i++) {
		struct ledger_line e = {i % 2 ? "uploader" : "analyzer", key, 3, 1};
		snprintf(key, sizeof key, "pcap/%d", i);
		cr_assert_eq(ledger_add(&l, &e, 1), 0);
		cr_assert_eq(stat(path, &st), 0);
		cr_assert_lt(st.st_size, 1100);
	}
	cr_assert_eq(sum(path, NULL), 0);
	cr_assert_eq(packets, 1500);
	cr_assert_eq(entries, 500);
	cr_assert_eq(lines - named, 2, "one sum a consumer");
	cr_assert_gt(named, 10);
	cr_assert_eq(sum(path, key), -EXDEV, "the newest has its name");
	ledger_close(&l);
}
