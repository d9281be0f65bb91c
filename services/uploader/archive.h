/*
 * archive: keeps a tree of objects (pcap/YYYY/MM/DD/HH/…) below a limit of disk space.
 *
 * The size of the tree is summed once after the start, one hour's folder a step, and kept up to
 * date from then on. Nothing is removed before the sum is known.
 */
#ifndef UPLOADER_ARCHIVE_H
#define UPLOADER_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/spool.h"

struct archive {
	int fd; /* of the tree's root; borrowed */
	uint64_t max_bytes;
	char at[OBJECT_KEY_MAX]; /* folder summed last; then: folder that could not be emptied */
	bool summed;
	bool removing;  /* the limit was passed, and not enough is free again */
	uint64_t bytes; /* disk space of the files */
	uint64_t removed, removed_bytes;
};

void archive_init(struct archive *a, int fd, uint64_t max_bytes);
/* archive_add: the file `key`, which takes `bytes` of disk space, was put into the tree. */
void archive_add(struct archive *a, const char *key, uint64_t bytes);
/* archive_tidy: one bounded step of summing or removing; true when there is more to do. */
bool archive_tidy(struct archive *a);

#endif
