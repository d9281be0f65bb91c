/*
 * state_walk: every file below a directory, and the packets in one.
 */
#ifndef LURKER_STATE_WALK_H
#define LURKER_STATE_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Called with a file's folder and name, and its path below the walk's root. Not 0 ends the walk. */
typedef int (*state_walk_fn)(void *arg, int dirfd, const char *name, const char *key);

/* state_walk: an absent folder holds nothing. 0, what fn returned, or -errno. */
int state_walk(const char *dir, state_walk_fn fn, void *arg);

/* state_walk_has: whether there is such a file below a folder; dirfd -1: there is no folder. */
bool state_walk_has(int dirfd, const char *key);

/* state_walk_packets: adds the packets of a capture file to *packets. 0; -ENOENT; -EBADMSG: it is not
 * whole, what came before counts; or another -errno. */
int state_walk_packets(int dirfd, const char *name, uint64_t *packets);

#endif
