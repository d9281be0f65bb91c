#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fs_write_counted(int fd, const void *p, size_t n, size_t *done)
{
	const char *from = p;

	*done = 0;
	while (*done < n) {
		ssize_t w = write(fd, from + *done, n - *done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		if (w == 0)
			return -ENOSPC;
		*done += (size_t)w;
	}
	return 0;
}

int fs_write_all(int fd, const void *p, size_t n)
{
	size_t done;

	return fs_write_counted(fd, p, n, &done);
}

ssize_t fs_read_text(int dirfd, const char *path, char *out, size_t size)
{
	size_t have = 0;
	ssize_t n;

	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, out + have, size - 1 - have);
		have += n > 0 ? (size_t)n : 0;
	} while (n > 0 && have < size - 1);
	ssize_t rc = n < 0 ? -errno : (ssize_t)have;
	close(fd);
	out[have] = '\0';
	return rc;
}

int fs_replace_at(int dirfd, const char *tmp, const char *path, mode_t mode, enum fs_durability d,
		  fs_writer_fn fn, void *arg)
{
	int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	int rc = fn(arg, fd);
	if (!rc && d != FS_NONE && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	if (!rc && (dirfd == AT_FDCWD ? rename(tmp, path) : renameat(dirfd, tmp, dirfd, path)) < 0)
		rc = -errno;
	if (rc) {
		unlinkat(dirfd, tmp, 0);
		return rc;
	}
	return d == FS_FILE_AND_DIR ? fs_sync_parent(dirfd, path) : 0;
}

int fs_replace_by(const char *path, mode_t mode, enum fs_durability d, fs_writer_fn fn, void *arg)
{
	char tmp[PATH_MAX];

	if (snprintf(tmp, sizeof tmp, "%s.new", path) >= (int)sizeof tmp)
		return -ENAMETOOLONG;
	return fs_replace_at(AT_FDCWD, tmp, path, mode, d, fn, arg);
}

struct content {
	const void *p;
	size_t n;
};

static int write_content(void *arg, int fd)
{
	const struct content *c = arg;

	return fs_write_all(fd, c->p, c->n);
}

int fs_replace(const char *path, const void *p, size_t n, mode_t mode, enum fs_durability d)
{
	struct content c = {p, n};

	return fs_replace_by(path, mode, d, write_content, &c);
}

int fs_make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

/* The first n bytes of path. */
static int make_one(int dirfd, const char *path, size_t n, mode_t mode, enum fs_durability d)
{
	char part[PATH_MAX];

	memcpy(part, path, n);
	part[n] = '\0';
	if (mkdirat(dirfd, part, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return d == FS_FILE_AND_DIR ? fs_sync_parent(dirfd, part) : 0;
}

int fs_make_parents(int dirfd, const char *path, mode_t mode, enum fs_durability d)
{
	int rc = 0;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 1; path[0] && path[i] && !rc; i++)
		if (path[i] == '/')
			rc = make_one(dirfd, path, i, mode, d);
	return rc;
}

int fs_make_dirs(int dirfd, const char *path, mode_t mode, enum fs_durability d)
{
	size_t n = strlen(path);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	/* Mostly all of it exists, or only the last one is missing. */
	int rc = make_one(dirfd, path, n, mode, d);
	if (rc != -ENOENT)
		return rc;
	rc = fs_make_parents(dirfd, path, mode, d);
	return rc ? rc : make_one(dirfd, path, n, mode, d);
}

int fs_open_dirs(const char *path, mode_t mode, int *fd)
{
	int rc = fs_make_dirs(AT_FDCWD, path, mode, FS_NONE);
	if (rc)
		return rc;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

int fs_sync_parent(int dirfd, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
	int rc = 0;

	if (n >= sizeof dir)
		return -ENAMETOOLONG;
	memcpy(dir, path, n);
	dir[n] = '\0';
	int fd = openat(dirfd, n ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
