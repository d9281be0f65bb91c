/*
 * shm_channel: passes messages from a process to its parent through blocks of shared memory. Two
 * pipes only tell which block is full and which was read; the messages are not copied.
 */
#ifndef ANALYZER_SHM_CHANNEL_H
#define ANALYZER_SHM_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct shm_channel;

/* shm_channel_new: called before the fork. 0 or -errno. shm_channel_is: called after the fork by
 * each side, to close the other side's ends of the pipes. */
int shm_channel_new(struct shm_channel **out);
enum shm_channel_side { SHM_CHANNEL_WRITES, SHM_CHANNEL_READS };
void shm_channel_is(struct shm_channel *l, enum shm_channel_side side);
/* shm_channel_free: may be called by any process. */
void shm_channel_free(struct shm_channel **l);

/* shm_channel_put: writes a message of two parts; waits while the reader is behind.
 * shm_channel_flush: passes on what was written so far. 0 or -errno. */
int shm_channel_put(struct shm_channel *l, struct bytes head, struct bytes body);
int shm_channel_flush(struct shm_channel *l);

/* shm_channel_get: reads the next n bytes of one message; they are valid until the first read of a
 * later message. idle (or NULL) is called while there is nothing to read. 0, -ECHILD if the writer
 * has ended, or -errno. */
int shm_channel_get(struct shm_channel *l, size_t n, const uint8_t **p, void (*idle)(void *),
		    void *arg);

/* pipe_write: all n bytes. 0 or -errno. */
int pipe_write(int fd, const void *data, size_t n);

#endif
