#include "archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/spool_dir.h"

/* Files removed in one step. */
#define REMOVE_STEP 256
/* When the limit is passed, one part in this many of it is freed. */
#define FREE_PART 100

/* What a visit of a folder summed or removed. */
struct sum {
	uint64_t files, bytes;
};

void archive_init(struct archive *a, int fd, uint64_t max_bytes)
{
	*a = (struct archive){.fd = fd, .max_bytes = max_bytes};
}

void archive_add(struct archive *a, const char *key, uint64_t bytes)
{
	const char *slash = strrchr(key, '/');
	size_t n = slash ? (size_t)(slash - key) : 0;
	/* A folder not summed yet will count the file when its turn comes. */
	int c = strncmp(key, a->at, n);
	if (a->summed || c < 0 || (c == 0 && strlen(a->at) >= n))
		a->bytes += bytes;
}

/* Sums the files of a folder; with max > 0 removes at most max of them. */
static struct sum visit(const struct archive *a, const char *folder, uint64_t max)
{
	struct sum s = {0};
	struct stat st;
	int fd = openat(a->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return s;
	}
	for (struct dirent *e; (!max || s.files < max) && (e = readdir(d));) {
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || (max && unlinkat(dirfd(d), e->d_name, 0) != 0))
			continue;
		s.files++;
		s.bytes += (uint64_t)st.st_blocks * 512;
	}
	closedir(d);
	return s;
}

static bool over(const struct archive *a)
{
	return a->max_bytes && a->bytes > a->max_bytes - a->max_bytes / FREE_PART;
}

bool archive_tidy(struct archive *a)
{
	char folder[OBJECT_KEY_MAX];
	if (!a->max_bytes)
		return false;
	if (!a->summed) {
		if (spool_next_hour(a->fd, a->at, folder)) {
			a->bytes += visit(a, folder, 0).bytes;
			snprintf(a->at, sizeof a->at, "%s", folder);
			return true;
		}
		a->summed = true;
		a->at[0] = '\0';
	}
	/* Removing, once begun, goes on until a part of the limit is free. */
	if (a->bytes <= a->max_bytes && !a->removing)
		return false;
	a->removing = over(a) && spool_next_hour(a->fd, a->at, folder);
	if (!a->removing) {
		a->at[0] = '\0';
		return false;
	}
	struct sum s = visit(a, folder, REMOVE_STEP);
	a->removed += s.files;
	a->removed_bytes += s.bytes;
	a->bytes -= s.bytes < a->bytes ? s.bytes : a->bytes;
	spool_rmdirs(a->fd, folder);
	/* What cannot be removed must not keep us from the next hour. */
	if (!s.files)
		snprintf(a->at, sizeof a->at, "%s", folder);
	return true;
}
