/*
 * days: the record files of a topic, one a UTC day, plain or compressed.
 */
#ifndef LURKER_DAYS_H
#define LURKER_DAYS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct day {
	uint32_t day;       /* YYYYMMDD */
	bool plain, packed; /* both: a compression was interrupted, the plain one is whole */
};

struct days {
	char dir[PATH_MAX];
	struct day *v; /* oldest first */
	size_t n;
};

/* days_open: lists dir. 0 or -errno. */
int days_open(const char *dir, struct days *out);
void days_close(struct days *d);
/* days_path: the file that day i is read from. */
#define DAYS_PATH_MAX (PATH_MAX + 32)
void days_path(const struct days *d, size_t i, char out[DAYS_PATH_MAX]);
/* days_end: the first second after a day (YYYYMMDD), since 1970. */
int64_t days_end(uint32_t day);
/* days_read: calls fn for each whole line of day i, without its newline, until fn returns non-zero
 * (returned) or the file ends (0). -EBADMSG when a compressed file is broken or cut off, after the
 * lines that could be read. Lines longer than 64 MiB are skipped. */
int days_read(const struct days *d, size_t i, int (*fn)(void *arg, struct bytes line), void *arg);

#endif
