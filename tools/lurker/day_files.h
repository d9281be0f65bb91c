/*
 * day_files: the record files of a topic, one a UTC day, plain or compressed.
 */
#ifndef LURKER_DAY_FILES_H
#define LURKER_DAY_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct day_file {
	uint32_t day;       /* YYYYMMDD */
	bool plain, packed; /* both: a compression was interrupted, the plain one is whole */
};

struct day_files {
	char dir[PATH_MAX];
	struct day_file *v; /* oldest first */
	size_t n;
};

/* day_files_open: lists dir. 0 or -errno. */
int day_files_open(const char *dir, struct day_files *out);
void day_files_close(struct day_files *d);
/* day_files_path: the file that day i is read from. */
#define DAY_FILES_PATH_MAX (PATH_MAX + 32)
void day_files_path(const struct day_files *d, size_t i, char out[DAY_FILES_PATH_MAX]);
/* day_files_end: the first second after a day (YYYYMMDD), since 1970. */
int64_t day_files_end(uint32_t day);
/* day_files_read: calls fn for each whole line of day i, without its newline, until fn returns non-zero
 * (returned) or the file ends (0). -EBADMSG when a compressed file is broken or cut off, after the
 * lines that could be read. Lines longer than 64 MiB are skipped. */
int day_files_read(const struct day_files *d, size_t i, int (*fn)(void *arg, struct bytes line),
		   void *arg);

#endif
