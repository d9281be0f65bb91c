/*
 * file_walk: the files behind the operands of a command line, one after another.
 *
 * Directories are gone through in the order of their names, so that an archive comes in order of
 * time; only the directories on the way are in memory, so it may hold any number of files.
 */
#ifndef ANALYZER_FILE_WALK_H
#define ANALYZER_FILE_WALK_H

#include <stdbool.h>
#include <stddef.h>

struct file_walk;

/* file_walk_new: borrows the operands. 0 or -ENOMEM. */
int file_walk_new(char *const *operands, size_t n, struct file_walk **out);
void file_walk_free(struct file_walk **w);
/* file_walk_next: 1 with a path, valid until the next call; named: it was an operand itself, not
 * found in a directory. 0 at the end. -errno with the path that cannot be looked at; the next call
 * goes on after it. */
int file_walk_next(struct file_walk *w, const char **path, bool *named);

/* file_walk_key: the object key of a file of an archive: its path from pcap/YYYY/MM/DD/HH/ on; of
 * other files the path itself. Borrows from path. */
const char *file_walk_key(const char *path);

#endif
