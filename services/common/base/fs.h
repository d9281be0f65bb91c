/*
 * fs: writing files and making folders, once for the whole tree.
 *
 * Replacing a file writes its new content to a temporary file in the same folder and renames that
 * over the old one. A reader, or a process that was killed, sees the old content or the new
 * content, never a part. What the loss of power leaves is the caller's choice:
 *
 *   FS_NONE           the file may be old, empty or torn: for content that its reader checks, or
 *                     that is written again soon
 *   FS_FILE           the file is old or new, and whole
 *   FS_FILE_AND_DIR   once the call has returned 0, the file is new
 *
 * The caller says at the call why its choice is enough.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stddef.h>
#include <sys/types.h>

enum fs_durability { FS_NONE, FS_FILE, FS_FILE_AND_DIR };

/* fs_write_all: writes n bytes. 0 or -errno; after an error some of the bytes may be written. */
int fs_write_all(int fd, const void *p, size_t n);
/* fs_write_counted: fs_write_all that says in *done how many bytes were written, also on an error.
 */
int fs_write_counted(int fd, const void *p, size_t n, size_t *done);

/* fs_read_text: reads the file into out, at most size - 1 bytes, and ends it with a NUL. path is
 * below dirfd, which may be AT_FDCWD. The number of bytes read, or -errno. */
ssize_t fs_read_text(int dirfd, const char *path, char *out, size_t size);

/* fs_replace: replaces the file with n bytes at p, by way of path.new. mode is that of the new
 * file, less the umask. 0 or -errno. On an error the file is as it was, and path.new is gone; only
 * if the folder could not be flushed (FS_FILE_AND_DIR), the file may be new already. */
int fs_replace(const char *path, const void *p, size_t n, mode_t mode, enum fs_durability d);

/* Writes the new content to fd. 0 or -errno. */
typedef int (*fs_writer_fn)(void *arg, int fd);

/* fs_replace_by: fs_replace with content that fn writes. Also -errno of fn. */
int fs_replace_by(const char *path, mode_t mode, enum fs_durability d, fs_writer_fn fn, void *arg);
/* fs_replace_at: fs_replace_by for paths below dirfd, with a temporary name of the caller's. Both
 * names are on one filesystem. */
int fs_replace_at(int dirfd, const char *tmp, const char *path, mode_t mode, enum fs_durability d,
		  fs_writer_fn fn, void *arg);

/* fs_make_dir: makes one folder. 0, also when it exists, or -errno. */
int fs_make_dir(const char *path, mode_t mode);
/* fs_make_dirs: makes the folder and those above it that are missing. path is below dirfd, which
 * may be AT_FDCWD. With FS_FILE_AND_DIR the entry of every new folder is on disk after it. 0, also
 * when it exists, or -errno. */
int fs_make_dirs(int dirfd, const char *path, mode_t mode, enum fs_durability d);
/* fs_make_parents: fs_make_dirs for the folders above the last component of path. */
int fs_make_parents(int dirfd, const char *path, mode_t mode, enum fs_durability d);
/* fs_open_dirs: fs_make_dirs, then opens the folder. 0 with a descriptor in *fd, or -errno. */
int fs_open_dirs(const char *path, mode_t mode, int *fd);

/* fs_sync_parent: flushes the folder that holds path, so that the names in it are on disk. 0, also
 * when the folder is gone, or -errno. */
int fs_sync_parent(int dirfd, const char *path);

#endif
