/*
 * disk: what `lurker metrics` reports about the file system of the state directory.
 */
#ifndef LURKER_DISK_H
#define LURKER_DISK_H

#include "expo.h"

/* disk_look: free space of the file system, and for each spool queue the time since its oldest
 * entry was sealed. What cannot be read is left out. Cost: one pass over the names in the oldest
 * hour of each queue. */
void disk_look(const char *state_dir, uint64_t now_ns, struct expo_disk *out);

#endif
