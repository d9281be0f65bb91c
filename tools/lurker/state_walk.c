#include "state_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkt/capfile.h"

#define DEPTH_MAX 12

static int state_walk_dir(int fd, const char *key, int depth, state_walk_fn fn, void *arg)
{
	int rc = 0;
	DIR *d = fdopendir(fd);
	if (!d) {
		rc = -errno;
		close(fd);
		return rc;
	}
	const struct dirent *e;
	while (!rc && (e = readdir(d)) != NULL) {
		char below[PATH_MAX];
		struct stat st;
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* removed meanwhile */
		snprintf(below, sizeof below, "%s%s%s", key, *key ? "/" : "", e->d_name);
		if (S_ISREG(st.st_mode)) {
			rc = fn(arg, dirfd(d), e->d_name, below);
		} else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (sub >= 0)
				rc = state_walk_dir(sub, below, depth + 1, fn, arg);
		}
	}
	closedir(d);
	return rc;
}

int state_walk(const char *dir, state_walk_fn fn, void *arg)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return state_walk_dir(fd, "", 0, fn, arg);
}

bool state_walk_has(int dirfd, const char *key)
{
	struct stat st;
	return dirfd >= 0 && fstatat(dirfd, key, &st, 0) == 0;
}

int state_walk_packets(int dirfd, const char *name, uint64_t *packets)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : capfile_count(fd, packets);
}
