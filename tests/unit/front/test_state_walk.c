#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state_walk.h"

struct seen {
	unsigned files, stop_at;
	unsigned length; /* of all keys together */
};

static int see(void *arg, int dirfd, const char *name, const char *key)
{
	struct seen *s = arg;
	const char *base = strrchr(key, '/');
	cr_expect_str_eq(base ? base + 1 : key, name);
	cr_expect(state_walk_has(dirfd, name), "%s", key);
	s->files++;
	s->length += (unsigned)strlen(key);
	return s->files == s->stop_at ? -EINTR : 0;
}

Test(state_walk, files_below_a_folder)
{
	char dir[] = "/tmp/lurker-walk-XXXXXX", text[300];
	struct seen all = {0}, some = {.stop_at = 2}, none = {0};
	cr_assert(mkdtemp(dir));
	snprintf(
		text, sizeof text,
		"cd %s && mkdir -p a/b .hidden && touch x a/y a/b/z .dot .hidden/w && ln -s x link",
		dir);
	cr_assert_eq(system(text), 0);
	cr_assert_eq(state_walk(dir, see, &all), 0);
	cr_expect_eq(all.files, 3, "names with a dot and links are not visited");
	cr_expect_eq(all.length, strlen("x") + strlen("a/y") + strlen("a/b/z"));
	cr_expect_eq(state_walk(dir, see, &some), -EINTR);
	cr_expect_eq(some.files, 2);
	cr_expect_not(state_walk_has(-1, "x"));
	snprintf(text, sizeof text, "rm -r %s", dir);
	cr_assert_eq(system(text), 0);
	cr_expect_eq(state_walk(dir, see, &none), 0, "an absent folder holds nothing");
	cr_expect_eq(none.files, 0);
}

Test(state_walk, packets_of_a_file)
{
	char path[] = "/tmp/lurker-walk-XXXXXX";
	static const uint32_t head[] = {0xa1b23c4d, 0x00040002, 0, 0, 65536, 1};
	static const uint32_t record[] = {1, 0, 0, 0};
	uint64_t n = 10;
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, head, sizeof head), (ssize_t)sizeof head);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(write(fd, record, sizeof record), (ssize_t)sizeof record);
	cr_expect_eq(state_walk_packets(AT_FDCWD, path, &n), 0);
	cr_expect_eq(n, 12, "they are added");
	cr_assert_eq(write(fd, record, 5), 5);
	cr_expect_eq(state_walk_packets(AT_FDCWD, path, &n), -EBADMSG);
	cr_expect_eq(n, 14, "the packets before the damage count");
	close(fd);
	unlink(path);
	cr_expect_eq(state_walk_packets(AT_FDCWD, path, &n), -ENOENT);
}
