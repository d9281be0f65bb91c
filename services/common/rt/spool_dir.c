#include "rt/spool_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/spool.h"

bool spool_key_valid(const char *key)
{
	size_t n = strnlen(key, SPOOL_KEY_MAX);

	if (n == 0 || n >= SPOOL_KEY_MAX || key[0] == '/' || key[n - 1] == '/')
		return false;
	for (size_t i = 0, start = 0; i <= n; i++) {
		if (i < n && (key[i] <= ' ' || key[i] > '~'))
			return false;
		if (i < n && key[i] != '/')
			continue;
		/* A leading dot covers "." and ".." and keeps hidden names out. */
		if (i == start || key[start] == '.')
			return false;
		start = i + 1;
	}
	return true;
}

int spool_fsync_parent(int dirfd, const char *path)
{
	char dir[SPOOL_KEY_MAX + 64];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
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

int spool_mkdirs(int dirfd, const char *path, bool leaf, bool durable)
{
	char part[SPOOL_KEY_MAX + 64];
	size_t n = strlen(path);

	if (n >= sizeof part)
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= n; i++) {
		if (i < n ? path[i] != '/' : !leaf)
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dirfd, part, 0750) < 0) {
			if (errno != EEXIST)
				return -errno;
			continue;
		}
		int rc = durable ? spool_fsync_parent(dirfd, part) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

int spool_opendirs(const char *path, int *fd)
{
	/* Absolute or relative paths longer than a key: made component by component from the root.
	 */
	if (mkdir(path, 0750) < 0 && errno != EEXIST) {
		if (errno != ENOENT)
			return -errno;
		char up[4096];
		const char *slash = strrchr(path, '/');
		size_t n = slash ? (size_t)(slash - path) : 0;
		if (!n || n >= sizeof up)
			return -ENOENT;
		memcpy(up, path, n);
		up[n] = '\0';
		int upfd, rc = spool_opendirs(up, &upfd);
		if (rc)
			return rc;
		close(upfd);
		if (mkdir(path, 0750) < 0 && errno != EEXIST)
			return -errno;
	}
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}
