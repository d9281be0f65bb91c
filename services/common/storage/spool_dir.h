/*
 * spool_dir: folders and keys, for both sides of the spool.
 */
#ifndef STORAGE_SPOOL_DIR_H
#define STORAGE_SPOOL_DIR_H

#include <stdbool.h>

#include "storage/spool.h"

/* spool_mkdirs: makes path below dirfd with all its folders (0750); with leaf false only the
 * folders above its last component. With durable, every new folder's entry is on disk after it. 0
 * or -errno. */
int spool_mkdirs(int dirfd, const char *path, bool leaf, bool durable);

/* spool_opendirs: spool_mkdirs of path (a folder), then opens it. 0 or -errno. */
int spool_opendirs(const char *path, int *fd);

/* spool_rmdirs: removes the folder and those above it, as far as they are empty. */
void spool_rmdirs(int dirfd, const char *folder);

/* spool_next_hour: the first folder pcap/YYYY/MM/DD/HH below dirfd, in order of names, above
 * `after` ("": the oldest). false: there is none. */
bool spool_next_hour(int dirfd, const char *after, char out[SPOOL_KEY_MAX]);

/* spool_fsync_parent: flushes the folder that holds path. A folder that is gone is fine. 0 or
 * -errno. */
int spool_fsync_parent(int dirfd, const char *path);

#endif
