/*
 * store_dir: a local directory as the store, the embedded default, and its archive limit.
 *
 * The queue's sealed file never changes and is on disk already. So on the same filesystem one hard
 * link stores it; elsewhere it is copied (temporary name, flush, rename). Links of one batch share
 * the flushes of their folders. With a limit, the files of the oldest hours are removed.
 */
#ifndef UPLOADER_STORE_DIR_H
#define UPLOADER_STORE_DIR_H

#include "object_store.h"

struct store_dir_counts {
	uint64_t linked, copied, kept, replaced;
	uint64_t archive_bytes, removed, removed_bytes;
};

/* store_dir_new: dir is made if missing (0750). max_bytes: of disk space below dir, 0: no limit.
 * counts is updated while the store lives. 0, -ENAMETOOLONG or -errno. */
int store_dir_new(const char *dir, uint64_t max_bytes, struct store_dir_counts *counts,
		  struct object_store **out);

/* store_dir_url: writes the destination of dir, an absolute path, to out: a file URL that ends in
 * "/". 0 or -ENAMETOOLONG. */
int store_dir_url(const char *dir, char *out, size_t n);

#endif
