/*
 * spool_dir: folders and keys, for both sides of the spool.
 */
#ifndef RT_SPOOL_DIR_H
#define RT_SPOOL_DIR_H

#include <stdbool.h>

/* spool_mkdirs: makes path below dirfd with all its folders (0750); with leaf false only the
 * folders above its last component. With durable, every new folder's entry is on disk after it. 0
 * or -errno. */
int spool_mkdirs(int dirfd, const char *path, bool leaf, bool durable);

/* spool_opendirs: spool_mkdirs of path (a folder), then opens it. 0 or -errno. */
int spool_opendirs(const char *path, int *fd);

/* spool_fsync_parent: flushes the folder that holds path. A folder that is gone is fine. 0 or
 * -errno. */
int spool_fsync_parent(int dirfd, const char *path);

#endif
