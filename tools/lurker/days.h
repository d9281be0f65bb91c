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
/* days_read: calls fn for each whole line of day i, without its newline, until fn returns non-zero
 * (returned) or the file ends (0). -EBADMSG when a compressed file is broken. Lines longer than 64
 * MiB are skipped. */
int days_read(const struct days *d, size_t i, int (*fn)(void *arg, struct bytes line), void *arg);

#endif
