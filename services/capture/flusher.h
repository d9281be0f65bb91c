/*
 * flusher: a thread that brings files to disk, so that a slow disk does not keep capture from its
 * ring.
 */
#ifndef CAPTURE_FLUSHER_H
#define CAPTURE_FLUSHER_H

#include <stdbool.h>
#include <stdint.h>

struct flusher;

/* flusher_new: starts the thread. Signals must be blocked already (loop_new does). 0 or -errno. */
int flusher_new(struct flusher **out);
/* flusher_free: what was handed in is on disk after this. */
void flusher_free(struct flusher **f);

/* flusher_take: takes the descriptor over; it is flushed (fdatasync) and closed, in the order of
 * the calls. Blocks only while FLUSHER_MAX are waiting. */
#define FLUSHER_MAX 32
void flusher_take(struct flusher *f, int fd);
/* flusher_idle: whether nothing is waiting. */
bool flusher_idle(struct flusher *f);
/* flusher_error: what the last failed flush said (-errno), once; else 0. */
int flusher_error(struct flusher *f);

#endif
