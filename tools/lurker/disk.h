/*
 * disk: what `lurker metrics` says of the file system under the state directory.
 */
#ifndef LURKER_DISK_H
#define LURKER_DISK_H

#include "expo.h"

/* disk_look: room on the file system, and the age of each spool queue's oldest entry (the time
 * since its file was sealed). What cannot be read is left out. Cost: one pass over the names of the
 * oldest hour of each queue. */
void disk_look(const char *state_dir, uint64_t now_ns, struct expo_disk *out);

#endif
