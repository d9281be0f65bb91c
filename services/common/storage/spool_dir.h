/*
 * spool_dir: folders and keys, for both sides of the spool.
 */
#ifndef STORAGE_SPOOL_DIR_H
#define STORAGE_SPOOL_DIR_H

#include <stdbool.h>

#include "storage/spool.h"

/* spool_rmdirs: removes the folder and those above it, as far as they are empty. */
void spool_rmdirs(int dirfd, const char *folder);

/* spool_next_hour: the first folder pcap/YYYY/MM/DD/HH below dirfd, in order of names, above
 * `after` ("": the oldest). false: there is none. */
bool spool_next_hour(int dirfd, const char *after, char out[OBJECT_KEY_MAX]);

#endif
