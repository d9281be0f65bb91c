/*
 * lane: messages from a process to its parent, through blocks of shared memory. Pipes only say
 * which block is full, and that one was read: what is in them is not copied.
 */
#ifndef ANALYZER_LANE_H
#define ANALYZER_LANE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct lane;

/* lane_new: before the fork. After it each side says which it is: the other's ends of the pipes are
 * closed. 0 or -errno. */
int lane_new(struct lane **out);
enum lane_side { LANE_WRITES, LANE_READS };
void lane_is(struct lane *l, enum lane_side side);
/* lane_free: also for who is neither. */
void lane_free(struct lane **l);

/* lane_put: a message of two parts; waits while the reader is behind. lane_flush: the reader gets
 * what was put so far. 0 or -errno. */
int lane_put(struct lane *l, struct bytes head, struct bytes body);
int lane_flush(struct lane *l);

/* lane_get: the next n bytes, of one message; valid until the first get of a later message. idle
 * (NULL: nothing) is called while there is nothing to read. 0, -ECHILD when the writer is gone, or
 * -errno. */
int lane_get(struct lane *l, size_t n, const uint8_t **p, void (*idle)(void *), void *arg);

/* pipe_write: all n bytes. 0 or -errno. */
int pipe_write(int fd, const void *data, size_t n);

#endif
