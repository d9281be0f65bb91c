#include "storage/spool_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* pcap/YYYY/MM/DD/HH: the files lie at this depth. */
#define HOUR_DEPTH 5
/* Folders of one level that are looked at: a month has 31 days, and we write 100 years. */
#define NAMES_MAX 128

void spool_rmdirs(int dirfd, const char *folder)
{
	char path[2 * OBJECT_KEY_MAX];

	snprintf(path, sizeof path, "%s", folder);
	while (path[0] && unlinkat(dirfd, path, AT_REMOVEDIR) == 0) {
		char *slash = strrchr(path, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

static int name_order(const void *x, const void *y)
{
	return strcmp(x, y);
}

/* path holds the folder to look below, depth levels down from the root. */
static bool find_hour(int root, char path[OBJECT_KEY_MAX], int depth, const char *after)
{
	char names[NAMES_MAX][16];
	size_t n = 0, len = strlen(path);

	if (depth == HOUR_DEPTH)
		return strcmp(path, after) > 0;
	int fd = openat(root, len ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *e; n < NAMES_MAX && (e = readdir(d));)
		if (e->d_name[0] != '.' && strlen(e->d_name) < sizeof names[0])
			strcpy(names[n++], e->d_name);
	closedir(d);
	qsort(names, n, sizeof names[0], name_order);
	for (size_t i = 0; i < n; i++) {
		int m = snprintf(path + len, OBJECT_KEY_MAX - len, "%s%s", len ? "/" : "",
				 names[i]);
		/* Below a folder that sorts under the same part of `after`, nothing is above it. */
		if (m > 0 && (size_t)m < OBJECT_KEY_MAX - len &&
		    strncmp(path, after, strlen(path)) >= 0 &&
		    find_hour(root, path, depth + 1, after))
			return true;
		path[len] = '\0';
	}
	return false;
}

bool spool_next_hour(int dirfd, const char *after, char out[OBJECT_KEY_MAX])
{
	out[0] = '\0';
	return find_hour(dirfd, out, 0, after);
}
