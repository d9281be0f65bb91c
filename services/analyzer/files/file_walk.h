/*
 * file_walk: returns the files that the operands of a command line name, one by one.
 *
 * Directories are read in the order of names, so an archive is read in the order of time. Only the
 * directories on the current path are in memory, so an archive may hold any number of files.
 */
#ifndef ANALYZER_FILE_WALK_H
#define ANALYZER_FILE_WALK_H

#include <stdbool.h>
#include <stddef.h>

struct file_walk;

/* file_walk_new: borrows the operands. 0 or -ENOMEM. */
int file_walk_new(char *const *operands, size_t n, struct file_walk **out);
void file_walk_free(struct file_walk **w);
/* file_walk_next: 1 and a path, which is valid until the next call; *named: it is an operand, not a
 * file found in a directory. 0 at the end. -errno and a path that cannot be read; the next call
 * continues after it. */
int file_walk_next(struct file_walk *w, const char **path, bool *named);

/* file_walk_key: the object key of a file: its path from pcap/YYYY/MM/DD/HH/ on if it lies in an
 * archive, else the whole path. Borrows from path. */
const char *file_walk_key(const char *path);

#endif
