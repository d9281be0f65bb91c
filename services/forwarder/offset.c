#include "offset.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/spool_dir.h"

#define TEXT_MAX 64

static int print(char out[TEXT_MAX], const struct records_pos *pos)
{
	return snprintf(out, TEXT_MAX, "%" PRIu32 " %" PRIu64 "\n", pos->day, pos->offset);
}

int offset_load(const char *path, struct records_pos *out)
{
	char text[TEXT_MAX], same[TEXT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof text - 1);
	int rc = n < 0 ? -errno : 0;
	close(fd);
	if (rc)
		return rc;
	text[n] = '\0';
	/* As it was written, to the newline: a part of one is none, nor is what only reads like
	 * one. */
	if (sscanf(text, "%8" SCNu32 " %20" SCNu64, &out->day, &out->offset) != 2)
		return -EINVAL;
	print(same, out);
	return strcmp(text, same) == 0 ? 0 : -EINVAL;
}

int offset_save(const char *path, struct records_pos pos)
{
	char temporary[PATH_MAX], text[TEXT_MAX];
	if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
		return -ENAMETOOLONG;
	int n = print(text, &pos);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	ssize_t w = write(fd, text, (size_t)n);
	int rc = w < 0 ? -errno : w != n ? -ENOSPC : 0;
	if (!rc && fsync(fd) != 0)
		rc = -errno;
	close(fd);
	if (!rc && rename(temporary, path) != 0)
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc ? rc : spool_fsync_parent(AT_FDCWD, path);
}
