/*
 * day_files: the files of a directory with one file a UTC day, plain or compressed: records of a
 * topic, counters of a service.
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
	bool plain, packed; /* both: compression was interrupted, and the plain file is complete */
};

struct day_files {
	char dir[PATH_MAX];
	struct day_file *v; /* oldest first */
	size_t n;
};

/* day_files_open: lists dir. 0 or -errno (-ENOENT: there is none); release with day_files_close. */
int day_files_open(const char *dir, struct day_files *out);
void day_files_close(struct day_files *d);
/* day_files_path: the file from which day i is read. */
#define DAY_FILES_PATH_MAX (PATH_MAX + 32)
void day_files_path(const struct day_files *d, size_t i, char out[DAY_FILES_PATH_MAX]);
/* day_files_end: the first second after a day (YYYYMMDD), in seconds since 1970. */
int64_t day_files_end(uint32_t day);
/* day_files_read: calls fn for each complete line of day i, without its newline; empty lines and
 * lines over 64 MiB are skipped. A value other than 0 from fn ends the reading and is returned. 0
 * at the end of the file; -EBADMSG: a compressed file is damaged or cut off, after the lines that
 * could be read; another -errno. */
int day_files_read(const struct day_files *d, size_t i, int (*fn)(void *arg, struct bytes line),
		   void *arg);

#endif
