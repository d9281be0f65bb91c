#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"

#define DEPTH_MAX 8 /* pcap/YYYY/MM/DD/HH, and room */

/* The first of the folder's names, in sort order, after `after`; false when there is none. */
static bool disk_name_after(DIR *d, const char *after, char out[NAME_MAX + 1])
{
	const struct dirent *e;
	*out = '\0';
	rewinddir(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, after) > 0 &&
		    (!*out || strcmp(e->d_name, out) < 0))
			snprintf(out, NAME_MAX + 1, "%s", e->d_name);
	return *out;
}

/* When the first file of a queue, in the order of names, was sealed; 0: the queue is empty. Empty
 * folders of past hours are skipped. */
static uint64_t disk_oldest_s(int dirfd, const char *path, int depth)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	char name[NAME_MAX + 1], last[NAME_MAX + 1] = "";
	uint64_t found = 0;
	while (!found && disk_name_after(d, last, name)) {
		struct stat st;
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (S_ISREG(st.st_mode))
				found = (uint64_t)st.st_mtim.tv_sec;
			else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
				found = disk_oldest_s(fd, name, depth + 1);
		}
		memcpy(last, name, sizeof last);
	}
	closedir(d);
	return found;
}

static void disk_look_queues(const char *state_dir, uint64_t now_s, struct expo_disk *out)
{
	char path[PATH_MAX];
	int k = snprintf(path, sizeof path, "%s/spool/queue", state_dir);
	DIR *d = k < 0 || (size_t)k >= sizeof path ? NULL : opendir(path);
	if (!d)
		return;
	char name[NAME_MAX + 1], last[NAME_MAX + 1] = "";
	while (out->n < EXPO_QUEUES && disk_name_after(d, last, name)) {
		memcpy(last, name, sizeof last);
		struct expo_queue *q = &out->queue[out->n];
		if (strlen(name) >= sizeof q->name || strpbrk(name, "\"\\\n"))
			continue;
		strcpy(q->name, name);
		uint64_t sealed_s = disk_oldest_s(dirfd(d), name, 0);
		q->age_s = sealed_s && now_s > sealed_s ? now_s - sealed_s : 0;
		out->n++;
	}
	closedir(d);
}

void disk_look(const char *state_dir, uint64_t now_ns, struct expo_disk *out)
{
	*out = (struct expo_disk){0};
	struct statvfs v;
	if (statvfs(state_dir, &v) != 0)
		return;
	out->known = true;
	out->size_bytes = (uint64_t)v.f_blocks * v.f_frsize;
	out->free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	out->free_inodes = v.f_favail;
	disk_look_queues(state_dir, now_ns / NS_PER_S, out);
}
