/*
 * flusher: a thread that syncs files to disk, so that a slow disk does not keep capture from
 * reading its ring.
 */
#ifndef CAPTURE_FLUSHER_H
#define CAPTURE_FLUSHER_H

#include <stdbool.h>
#include <stdint.h>

struct flusher;

/* flusher_new: starts the thread. Signals must be blocked already (loop_new does). 0 or -errno. */
int flusher_new(struct flusher **out);
/* flusher_free: waits until every descriptor was flushed and closed, then ends the thread. */
void flusher_free(struct flusher **f);

/* flusher_take: takes ownership of fd. Descriptors are flushed (fdatasync) and closed in the order
 * of the calls. Blocks only while FLUSHER_MAX descriptors wait. */
#define FLUSHER_MAX 32
void flusher_take(struct flusher *f, int fd);
/* flusher_idle: whether no descriptor waits or is being flushed. */
bool flusher_idle(struct flusher *f);
/* flusher_error: the error of the last failed flush (-errno), reported once; 0: none since the last
 * call. */
int flusher_error(struct flusher *f);

#endif
