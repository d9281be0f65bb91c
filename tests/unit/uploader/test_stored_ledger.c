#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"
#include "uploader/flow_ids.h"
#include "uploader/stored_ledger.h"

static struct stored_ledger stored;
static struct put put = {.key = "pcap/2026/01/02/03/1.pcap"};

static void begin(void)
{
	tree_begin();
	tree_file("file", 'x', 3); /* no capture file: it has no packets */
	put.fd = open(tree_path("file"), O_RDONLY);
	cr_assert_geq(put.fd, 0);
	snprintf(stored.path, sizeof stored.path, "%s", tree_path("uploader.stored"));
	stored_ledger_init(&stored);
}

static void end(void)
{
	stored_ledger_close(&stored);
	close(put.fd);
	tree_end();
}

TestSuite(stored_ledger, .init = begin, .fini = end);

static const char *content(void)
{
	static char text[256];
	int fd = open(stored.path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(stored_ledger, an_object_is_a_line)
{
	stored_ledger_note(&stored, &put);
	cr_assert_str_eq(content(), "uploader pcap/2026/01/02/03/1.pcap 0 1\n");
}

Test(stored_ledger, what_the_disk_refused_comes_with_the_next)
{
	mkdir(stored.path, 0700); /* in the place of the file */
	stored_ledger_note(&stored, &put);
	stored_ledger_note(&stored, &put);
	cr_assert_eq(stored.unnoted_entries, 2);
	rmdir(stored.path);
	stored_ledger_note(&stored, &put);
	cr_assert_str_eq(content(), "uploader pcap/2026/01/02/03/1.pcap 0 1\nuploader - 0 2\n");
	cr_assert_eq(stored.unnoted_entries, 0);
}

Test(flow_ids, of_another_key_is_not_given)
{
	static struct flow_ids f;
	const char id[] = "0123456789abcdef0123456789abcdef";
	flow_ids_add(&f, "a", 1, id, 32);
	cr_assert_str_eq(flow_ids_find(&f, "a"), id);
	cr_assert_str_eq(flow_ids_find(&f, "b"), "");
}
