#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"
#include "uploader/store_dir.h"

static struct object_store *s;
static struct store_dir_counts counts;
static struct {
	int n;
	enum outcome last;
} done;

static void on_done(void *arg, struct put *p, enum outcome r, const char *why, uint64_t wait)
{
	(void)arg, (void)p, (void)why, (void)wait;
	done.n++;
	done.last = r;
}

static void begin(void)
{
	tree_begin();
	cr_assert_eq(store_dir_new(tree_path("objects"), 0, &counts, &s), 0);
	s->done = on_done;
}

static void end(void)
{
	s->class->free(s);
	tree_end();
}

TestSuite(store_dir, .init = begin, .fini = end);

static struct put put_of(const char *file, const char *key)
{
	struct put p = {.fd = open(tree_path(file), O_RDONLY)};
	cr_assert(p.fd >= 0);
	strcpy(p.key, key);
	return p;
}

static enum outcome store_one(struct put *p)
{
	int before = done.n;
	s->class->put(s, p);
	s->class->flush(s);
	cr_assert_eq(done.n, before + 1);
	return done.last;
}

#define KEY "pcap/2026/01/02/03/a.pcap"

Test(store_dir, links)
{
	struct stat st;
	tree_file("spool/a", 'x', 9000);
	struct put p = put_of("spool/a", KEY);
	s->class->put(s, &p);
	cr_assert_eq(done.n, 0, "not before the folder is flushed");
	s->class->flush(s);
	cr_assert(done.n == 1 && done.last == OUTCOME_OK);
	cr_assert(tree_has("objects/" KEY, 'x', 9000));
	cr_assert_eq(counts.linked, 1);
	stat(tree_path("spool/a"), &st);
	cr_assert_eq(st.st_nlink, 2);
}

Test(store_dir, a_full_batch_is_flushed)
{
	struct put p[64];
	for (int i = 0; i < 64; i++) {
		char name[32], key[64];
		snprintf(name, sizeof name, "spool/%02d", i);
		snprintf(key, sizeof key, "pcap/2026/01/02/%02d/x.pcap", i / 4);
		tree_file(name, (char)('A' + i % 26), 10);
		p[i] = put_of(name, key);
		key[16]++;
		p[i].key[strlen(p[i].key) - 6] = (char)('a' + i % 4);
		s->class->put(s, &p[i]);
		cr_assert_eq(done.n, i == 63 ? 64 : 0);
	}
	cr_assert_eq(tree_count("objects"), 64);
}

Test(store_dir, again_after_a_crash)
{
	tree_file("spool/a", 'x', 9000);
	struct put p = put_of("spool/a", KEY);
	cr_assert_eq(store_one(&p), OUTCOME_OK);
	cr_assert_eq(store_one(&p), OUTCOME_OK);
	cr_assert_eq(counts.kept, 1);
	/* The same bytes in another file: sealed again from the journal. */
	tree_file("spool/b", 'x', 9000);
	struct put q = put_of("spool/b", KEY);
	cr_assert_eq(store_one(&q), OUTCOME_OK);
	cr_assert_eq(counts.kept, 2);
	cr_assert_eq(counts.replaced, 0);
}

Test(store_dir, other_bytes_are_replaced)
{
	tree_file("objects/" KEY, 'o', 9000);
	tree_file("spool/a", 'x', 9000);
	struct put p = put_of("spool/a", KEY);
	cr_assert_eq(store_one(&p), OUTCOME_OK);
	cr_assert(tree_has("objects/" KEY, 'x', 9000));
	cr_assert_eq(counts.replaced, 1);
	tree_file("objects/" KEY, 'x', 9001);
	cr_assert_eq(store_one(&p), OUTCOME_OK);
	cr_assert_eq(counts.kept, 0);
}

Test(store_dir, copies_what_cannot_be_linked)
{
	/* A file without a name cannot be linked from /proc by this path once it is unlinked. */
	tree_file("spool/a", 'x', 200000);
	struct put p = put_of("spool/a", KEY);
	unlink(tree_path("spool/a"));
	cr_assert_eq(store_one(&p), OUTCOME_OK);
	cr_assert_eq(counts.copied, 1);
	cr_assert(tree_has("objects/" KEY, 'x', 200000));
	cr_assert_eq(tree_count("objects"), 1, "no temporary name is left");
}

Test(store_dir, a_leftover_copy_goes_at_the_start)
{
	struct object_store *again;
	tree_file("objects/.copy", 'x', 10);
	cr_assert_eq(store_dir_new(tree_path("objects"), 0, &counts, &again), 0);
	cr_assert_eq(tree_count("objects"), 0);
	again->class->free(again);
}

Test(store_dir, what_stands_in_the_way_is_refused)
{
	tree_file("spool/a", 'x', 10);
	tree_file("objects/" KEY "/file", 'x', 10);
	struct put p = put_of("spool/a", KEY);
	cr_assert_eq(store_one(&p), OUTCOME_REFUSED);
	struct put flat = put_of("spool/a", "flat.pcap");
	cr_assert_eq(store_one(&flat), OUTCOME_REFUSED);
}

Test(store_dir, urls)
{
	char url[64];
	cr_assert_eq(store_dir_url("/var/lib/lurker/objects", url, sizeof url), 0);
	cr_assert_str_eq(url, "file:///var/lib/lurker/objects/");
	cr_assert_eq(store_dir_url("/var/x///", url, sizeof url), 0);
	cr_assert_str_eq(url, "file:///var/x/");
	cr_assert_eq(store_dir_url("/var/lib/lurker/objects", url, 12), -ENAMETOOLONG);
}
