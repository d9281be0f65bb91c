/*
 * state_walk: visits every file below a directory, and counts the packets in a capture file.
 */
#ifndef LURKER_STATE_WALK_H
#define LURKER_STATE_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Called with a file's folder, its name in it, and its path below the walk's root. A value other
 * than 0 ends the walk. */
typedef int (*state_walk_fn)(void *arg, int dirfd, const char *name, const char *key);

/* state_walk: visits the files of dir, which may be absent. 0, what fn returned, or -errno. */
int state_walk(const char *dir, state_walk_fn fn, void *arg);

/* state_walk_has: whether the file exists below a folder; dirfd -1 stands for an absent folder. */
bool state_walk_has(int dirfd, const char *key);

/* state_walk_packets: adds the packets of a capture file to *packets. 0; -ENOENT; -EBADMSG: the
 * file is damaged or cut off, and the packets before the damage were added; or another -errno. */
int state_walk_packets(int dirfd, const char *name, uint64_t *packets);

#endif
