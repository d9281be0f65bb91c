/* fs: a file is replaced as a whole or not at all, and is flushed as the caller asked. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static char dir[64], path[80], tmp[96];
static int folders_flushed, files_flushed, flush_error;

/* Instead of the C library's. */
int fsync(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		folders_flushed++;
	else
		files_flushed++;
	errno = flush_error;
	return flush_error ? -1 : 0;
}

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-fs-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/file", dir);
	snprintf(tmp, sizeof tmp, "%s.new", path);
	umask(022);
}

static void teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(fs, .init = setup, .fini = teardown);

static void holds(const char *want)
{
	char text[32];

	cr_expect_eq(fs_read_text(AT_FDCWD, path, text, sizeof text), (ssize_t)strlen(want));
	cr_expect_str_eq(text, want);
	cr_expect_eq(access(tmp, F_OK), -1, "nothing is left behind");
}

Test(fs, a_file_is_replaced)
{
	struct stat st;

	cr_assert_eq(fs_replace(path, "old", 3, 0640, FS_NONE), 0);
	holds("old");
	cr_assert_eq(fs_replace(path, "younger", 7, 0600, FS_NONE), 0);
	holds("younger");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(fs, the_caller_names_the_durability)
{
	cr_assert_eq(fs_replace(path, "a", 1, 0640, FS_NONE), 0);
	cr_expect(files_flushed == 0 && folders_flushed == 0);
	cr_assert_eq(fs_replace(path, "b", 1, 0640, FS_FILE), 0);
	cr_expect(files_flushed == 1 && folders_flushed == 0);
	cr_assert_eq(fs_replace(path, "c", 1, 0640, FS_FILE_AND_DIR), 0);
	cr_expect(files_flushed == 2 && folders_flushed == 1);
}

Test(fs, a_flush_that_fails_leaves_the_old_file)
{
	cr_assert_eq(fs_replace(path, "old", 3, 0640, FS_NONE), 0);
	flush_error = EIO;
	cr_expect_eq(fs_replace(path, "new", 3, 0640, FS_FILE), -EIO);
	holds("old");
}

Test(fs, a_full_disk_leaves_the_old_file)
{
	cr_assert_eq(fs_replace(path, "old", 3, 0640, FS_NONE), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5, 5}), 0);
	cr_expect_eq(fs_replace(path, "too long", 8, 0640, FS_FILE), -EFBIG);
	holds("old");
}

static int refuse(void *arg, int fd)
{
	(void)arg;
	cr_expect_eq(fs_write_all(fd, "half", 4), 0);
	return -EBADMSG;
}

Test(fs, a_writer_that_fails_leaves_the_old_file)
{
	cr_assert_eq(fs_replace(path, "old", 3, 0640, FS_NONE), 0);
	cr_expect_eq(fs_replace_by(path, 0640, FS_FILE, refuse, NULL), -EBADMSG);
	holds("old");
}

Test(fs, what_a_killed_process_left_is_overwritten)
{
	int fd = open(tmp, O_WRONLY | O_CREAT, 0640);
	cr_assert_eq(fs_write_all(fd, "a longer rest", 13), 0);
	close(fd);
	cr_assert_eq(fs_replace(path, "new", 3, 0640, FS_NONE), 0);
	holds("new");
}

Test(fs, a_link_in_the_way_is_not_followed)
{
	char other[96];

	snprintf(other, sizeof other, "%s/other", dir);
	cr_assert_eq(fs_replace(other, "theirs", 6, 0640, FS_NONE), 0);
	cr_assert_eq(symlink(other, tmp), 0);
	cr_expect_eq(fs_replace(path, "ours", 4, 0640, FS_NONE), -ELOOP);
	cr_assert_eq(fs_replace(path, "ours", 4, 0640, FS_NONE), -ELOOP);
}

Test(fs, a_name_that_is_too_long_or_has_no_folder)
{
	char longer[5000];

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	cr_expect_eq(fs_replace(longer, "", 0, 0640, FS_NONE), -ENAMETOOLONG);
	cr_expect_eq(fs_make_dirs(AT_FDCWD, longer, 0750, FS_NONE), -ENAMETOOLONG);
	cr_expect_eq(fs_replace("/nowhere/x", "", 0, 0640, FS_NONE), -ENOENT);
}

Test(fs, bytes_written_are_counted)
{
	size_t done;

	signal(SIGXFSZ, SIG_IGN);
	int fd = open(path, O_WRONLY | O_CREAT, 0640);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5, 5}), 0);
	cr_expect_eq(fs_write_counted(fd, "too long", 8, &done), -EFBIG);
	cr_expect_eq(done, 5);
	close(fd);
	fd = open("/dev/full", O_WRONLY);
	cr_expect_eq(fs_write_all(fd, "x", 1), -ENOSPC);
	cr_expect_eq(fs_write_all(fd, "", 0), 0);
	close(fd);
}

Test(fs, text_is_cut_to_the_room_there_is)
{
	char text[4];

	cr_assert_eq(fs_replace(path, "longer", 6, 0640, FS_NONE), 0);
	cr_expect_eq(fs_read_text(AT_FDCWD, path, text, sizeof text), 3);
	cr_expect_str_eq(text, "lon");
	cr_expect_eq(fs_read_text(AT_FDCWD, dir, text, sizeof text), -EISDIR);
	cr_expect_eq(fs_read_text(AT_FDCWD, "/nowhere/x", text, sizeof text), -ENOENT);
}

static bool is_dir(const char *name)
{
	char full[128];
	struct stat st;

	snprintf(full, sizeof full, "%s/%s", dir, name);
	return stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

Test(fs, folders_are_made_as_far_as_they_are_missing)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY), fd = -1;

	cr_assert_eq(fs_make_dirs(at, "a/b/c", 0750, FS_NONE), 0);
	cr_expect(is_dir("a/b/c"));
	cr_expect_eq(folders_flushed, 0);
	cr_assert_eq(fs_make_dirs(at, "a/b/c", 0750, FS_FILE_AND_DIR), 0);
	cr_expect_eq(folders_flushed, 0, "all of it was there");
	cr_assert_eq(fs_make_dirs(at, "a/d/e", 0750, FS_FILE_AND_DIR), 0);
	cr_expect(is_dir("a/d/e"));
	cr_expect_eq(folders_flushed, 2, "one for each new folder");
	cr_assert_eq(fs_make_parents(at, "f/g/name", 0750, FS_NONE), 0);
	cr_expect(is_dir("f/g") && !is_dir("f/g/name"));
	cr_expect_eq(fs_make_parents(at, "name", 0750, FS_NONE), 0);
	cr_assert_eq(fs_replace(path, "", 0, 0640, FS_NONE), 0);
	cr_expect_eq(fs_make_dirs(at, "file/x/y", 0750, FS_NONE), -ENOTDIR);
	cr_expect_eq(fs_make_dir(dir, 0750), 0);
	snprintf(tmp, sizeof tmp, "%s/h/i", dir);
	cr_assert_eq(fs_open_dirs(tmp, 0750, &fd), 0);
	cr_expect(is_dir("h/i"));
	close(fd);
	close(at);
}

Test(fs, the_folder_of_a_name_is_flushed)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);

	cr_expect_eq(fs_sync_parent(at, "name"), 0);
	cr_expect_eq(fs_sync_parent(AT_FDCWD, path), 0);
	cr_expect_eq(fs_sync_parent(AT_FDCWD, "/name"), 0);
	cr_expect_eq(folders_flushed, 3);
	cr_expect_eq(fs_sync_parent(AT_FDCWD, "/nowhere/name"), 0, "a folder that is gone");
	flush_error = EIO;
	cr_expect_eq(fs_sync_parent(at, "name"), -EIO);
	close(at);
}
