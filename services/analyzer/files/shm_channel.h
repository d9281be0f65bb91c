/*
 * shm_channel: messages from a process to its parent, through blocks of shared memory. Pipes only
 * say which block is full, and that one was read: what is in them is not copied.
 */
#ifndef ANALYZER_SHM_CHANNEL_H
#define ANALYZER_SHM_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct shm_channel;

/* shm_channel_new: before the fork. After it each side says which it is: the other's ends of the
 * pipes are closed. 0 or -errno. */
int shm_channel_new(struct shm_channel **out);
enum shm_channel_side { SHM_CHANNEL_WRITES, SHM_CHANNEL_READS };
void shm_channel_is(struct shm_channel *l, enum shm_channel_side side);
/* shm_channel_free: also for who is neither. */
void shm_channel_free(struct shm_channel **l);

/* shm_channel_put: a message of two parts; waits while the reader is behind. shm_channel_flush: the
 * reader gets what was put so far. 0 or -errno. */
int shm_channel_put(struct shm_channel *l, struct bytes head, struct bytes body);
int shm_channel_flush(struct shm_channel *l);

/* shm_channel_get: the next n bytes, of one message; valid until the first get of a later message.
 * idle (NULL: nothing) is called while there is nothing to read. 0, -ECHILD when the writer is
 * gone, or -errno. */
int shm_channel_get(struct shm_channel *l, size_t n, const uint8_t **p, void (*idle)(void *),
		    void *arg);

/* pipe_write: all n bytes. 0 or -errno. */
int pipe_write(int fd, const void *data, size_t n);

#endif
