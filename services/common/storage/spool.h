/*
 * spool: sealed capture files on their way to the consumers, one queue a consumer.
 *
 *   SPOOL/tmp/…                    being written by the sealer; emptied when the sealer starts
 *   SPOOL/queue/<consumer>/<key>   one hard link a consumer; what is here is whole and on disk
 *   SPOOL/bad/<consumer>/<key>     set aside by that consumer
 *   SPOOL/evicted/<consumer>/<key> taken out of that queue to make room, about to be removed
 *
 * SPOOL is STATE_DIR/spool, all of it on one filesystem. A key is the object's name everywhere,
 * `pcap/YYYY/MM/DD/HH/<name>.pcap`; its folders are folders in the queue, so sorting by name is
 * sorting by the time of the first packet. There is no other state: a consumer that has finished an
 * entry unlinks its own link, and the last unlink frees the file. A crash leaves an entry in the
 * queue or not, never half of one; an entry that comes back after a crash has the same bytes under
 * the same key.
 */
#ifndef STORAGE_SPOOL_H
#define STORAGE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/object_key.h"

/* Every call below that takes a key answers -EINVAL to one that is not object_key_valid: keys also
 * come from the bus. */

/*
 * For consumers. Entries come oldest first, in bounded steps. A queue has one process.
 */
struct queue;

/* queue_open: opens SPOOL/queue/<consumer>, made if missing. 0 or -errno. */
int queue_open(const char *spool_dir, const char *consumer, struct queue **out);
void queue_close(struct queue **q);

/* queue_next: copies the key of the next entry to key. 1; 0 at the end; -errno. It reads a window
 * of the oldest entries, so memory stays bounded however long the queue is, and it sees entries
 * that arrive meanwhile. After 0 the next call begins at the oldest again and offers entries that
 * were left in place (in progress, or to be retried) once more; the caller knows which these are.
 * Folders of past hours found empty are removed. */
int queue_next(struct queue *q, char key[OBJECT_KEY_MAX]);

/* queue_rewind: the next queue_next begins at the oldest. */
void queue_rewind(struct queue *q);

/* queue_get: opens the entry for reading. 0 with a descriptor that the caller closes; -ENOENT when
 * it is gone; another -errno. On an error *fd is -1. The sealer does not evict the entry while the
 * descriptor or a duplicate is open: close it after queue_done or queue_bad, or to give the entry
 * back. (It holds a shared flock(2), so the service needs that call in its sandbox.) */
int queue_get(struct queue *q, const char *key, int *fd);

/* queue_done: unlinks an entry that is finished. 0, also when it was gone already, or -errno. */
int queue_done(struct queue *q, const char *key);

/* queue_bad: moves the entry to bad/<consumer>/, for a person to look at. 0 or -errno. */
int queue_bad(struct queue *q, const char *key);

/* queue_count: number of waiting entries, at most max. It scans the folders: for a gauge, not for
 * every entry. */
uint64_t queue_count(struct queue *q, uint64_t max);

/*
 * For the sealer (flowagg).
 *
 *   write tmp → its bytes on disk → link into each queue → folders on disk → (seal recorded)
 *   → unlink tmp
 *
 * Several files go through each step together, because the cost is in the number of flushes: after
 * spool_create for each file, one spool_commit delivers them all.
 */
struct spool;

struct spool_limits {
	uint64_t max_bytes,
		max_files; /* of all queues together; a file in several queues counts once */
};

/* spool_open: makes the folders, removes what a former run left in tmp/. 0 or -errno. */
int spool_open(const char *spool_dir, const char *const *consumers, size_t n,
	       struct spool_limits limits, struct spool **out);
void spool_close(struct spool **s);

/* spool_room: whether the file, of so many bytes, may still come in, beside the pending ones; what
 * a queue has already (after a kill) may. 1; 0: not now; -EFBIG: it is larger than all there may
 * be. Below the limits it costs nothing; at them the queues are counted again, which then rests for
 * eight times as long as it took, at most 5 s. */
int spool_room(struct spool *s, const char *key, uint64_t bytes);

/* spool_create: opens a temporary file for key, to be written through the descriptor, which belongs
 * to the spool. The file, of so many bytes, takes part in the next commit. 0; -ENOBUFS when
 * SPOOL_BATCH files are pending; -errno. spool_drop takes the last created one out again (after a
 * failed write). */
#define SPOOL_BATCH 256
int spool_create(struct spool *s, const char *key, uint64_t bytes, int *fd);
void spool_drop(struct spool *s);
size_t spool_pending(const struct spool *s);

/* spool_commit: flushes the pending files, links them, flushes the folders. 0: all are delivered;
 * -errno: none is to be taken for delivered, they stay pending and a later commit tries again
 * (links that exist already are fine), unless spool_is_lost. */
int spool_commit(struct spool *s);
/* spool_is_lost: the pending files' bytes could not be flushed. Linux says so once per open file
 * and may take their pages for clean then: a second flush would be believed though nothing is on
 * disk. No commit passes any more: the caller, who still has what they were made from, begins again
 * with a spool opened anew. */
bool spool_is_lost(const struct spool *s);
/* spool_forget: after a commit and the caller's own record of it: unlinks the temporary names. */
void spool_forget(struct spool *s);

/*
 * Room is made by taking the oldest bundles out of the queues: their flows have no initiator
 * payload.
 *
 *   rename into evicted/ (spool_evict)
 *   → packets counted, recorded (the caller)
 *   → unlink (spool_evicted)
 *
 * A kill leaves the entry in the queue, or in evicted/ for spool_left, and its record may be there
 * already. An entry that its consumer has in hand (queue_get) is passed over. When a file is in
 * several queues it goes from all.
 */

/* Called with each entry taken out; fd is the callee's, open for reading. */
typedef void (*spool_evicted_fn)(void *arg, const char *consumer, const char *key, int fd);

/* spool_evict: takes the oldest bundle out. 1: out is called, once a queue, at most SPOOL_QUEUES
 * times; 0: there is none; -errno. */
#define SPOOL_QUEUES 16
int spool_evict(struct spool *s, spool_evicted_fn out, void *arg);
/* spool_evicted: the entry is recorded: unlinks it. 0 or -errno. */
int spool_evicted(struct spool *s, const char *consumer, const char *key);
/* spool_left: what a former run left in evicted/, at most max entries. 0 or -errno. */
int spool_left(struct spool *s, size_t max, spool_evicted_fn out, void *arg);

/* What the queues hold, as far as known without a scan; distinct files. */
struct spool_use {
	uint64_t bytes, files;
};
struct spool_use spool_use(struct spool *s);

#endif
