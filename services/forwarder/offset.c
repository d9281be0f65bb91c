#include "offset.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"

#define TEXT_MAX 64

static int print(char out[TEXT_MAX], const struct records_pos *pos)
{
	return snprintf(out, TEXT_MAX, "%" PRIu32 " %" PRIu64 "\n", pos->day, pos->offset);
}

int offset_load(const char *path, struct records_pos *out)
{
	char text[TEXT_MAX], same[TEXT_MAX];
	ssize_t n = fs_read_text(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return (int)n;
	/* As it was written, to the newline: a part of one is none, nor is what only reads like
	 * one. */
	if (sscanf(text, "%8" SCNu32 " %20" SCNu64, &out->day, &out->offset) != 2)
		return -EINVAL;
	print(same, out);
	return strcmp(text, same) == 0 ? 0 : -EINVAL;
}

int offset_save(const char *path, struct records_pos pos)
{
	char text[TEXT_MAX];
	int n = print(text, &pos);
	/* Without a place all records are sent again, from an older one those since then: it lasts
	 * once it is said to be saved. */
	return fs_replace(path, text, (size_t)n, 0640, FS_FILE_AND_DIR);
}
