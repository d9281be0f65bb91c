/*
 * journal: the recent packets of capture, on disk, each with a number.
 *
 *   DIR/00000000000000000001.pcap   a segment: a nanosecond pcap that any tool opens, named by
 *   DIR/00000000000004711002.pcap   the number of its first packet; packet n has number first + n
 *   DIR/flowagg.mark                a reader's mark: it needs nothing below this number
 *
 * Numbers start at 1, count up by one and go on across restarts; a number is given only to what was
 * written. A record with caplen 0 and len 0 is a tick, capture's clock once a second, and has a
 * number like any packet. All packets of a segment have one link type. A record of 16 zero bytes
 * does not count: a filesystem may leave it after a loss of power.
 *
 * The newest segment grows while readers read it; what is in a segment never changes. The oldest
 * segments are removed to keep the total bounded: a reader that is too slow sees a gap in the
 * numbers.
 */
#ifndef STORAGE_JOURNAL_H
#define STORAGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A batch: packets that are written with one write and published together. */
#define JOURNAL_BATCH       256
#define JOURNAL_BATCH_BYTES (4u << 20)

struct journal_rec {
	uint64_t ts_ns;
	uint32_t caplen, len;
	uint32_t off; /* of the packet's bytes in the batch */
};

struct journal_batch {
	uint8_t *p; /* pcap records as in the segment */
	uint32_t bytes;
	uint32_t n;
	int linktype;
	struct journal_rec rec[JOURNAL_BATCH];
};

/* journal_batch_new: 0 or -ENOMEM. Batches occupy only the memory that they fill. */
int journal_batch_new(int linktype, struct journal_batch **out);
void journal_batch_free(struct journal_batch **b);
void journal_batch_reset(struct journal_batch *b);
/* journal_batch_add: copies a packet. 0; -ENOBUFS when the batch is full and must be written first;
 * -EMSGSIZE for more than CAPFILE_MAX_PACKET bytes. A len below caplen is raised to caplen. */
int journal_batch_add(struct journal_batch *b, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		      const uint8_t *data);
/* journal_batch_tick: adds a tick. 0 or -ENOBUFS. */
int journal_batch_tick(struct journal_batch *b, uint64_t ts_ns);

/* The writer. */
struct journal;

struct journal_limits {
	uint64_t segment_bytes; /* a segment ends before it would grow beyond this */
	uint64_t total_bytes;   /* of all segments; the newest one stays whatever this says */
	const char *reader;     /* whose mark says what was read; NULL: nobody's. Borrowed */
};

/* journal_open: makes DIR if missing (0750), cuts a torn tail off the newest segment and goes on
 * after it, at least with number min_next. What lies behind a damaged record is kept in a file with
 * .bad at its name. 0 or -errno. */
int journal_open(const char *dir, struct journal_limits limits, uint64_t min_next,
		 struct journal **out);
/* journal_close: flushes to disk. */
void journal_close(struct journal **j);

/* journal_append: writes packets from..n-1 of the batch. *taken of them are in the journal, with
 * the numbers from *first on. 0 when that is all of them; else -errno and the rest is not in the
 * journal. When the disk is full, the oldest segments that the reader has passed are removed to
 * make room: all if it has no mark, none if its mark cannot be read. */
int journal_append(struct journal *j, const struct journal_batch *b, uint32_t from, uint64_t *first,
		   uint32_t *taken);
/* journal_sync: flushes what was written since the last call. 0 or -errno. */
int journal_sync(struct journal *j);
/* journal_on_flush: from now on, descriptors to be flushed (the segment at journal_sync, a finished
 * segment, the folder of a new one) go to fn. It flushes them in order when it can, and closes
 * them; the journal does not wait for a slow disk. NULL: the journal flushes them itself, as it
 * does at first. */
typedef void (*journal_flush_fn)(void *arg, int fd);
void journal_on_flush(struct journal *j, journal_flush_fn fn, void *arg);
/* journal_next_number: the number of the next packet. */
uint64_t journal_next_number(const struct journal *j);

struct journal_use {
	uint64_t bytes, segments;
	uint64_t oldest;         /* number of the oldest packet */
	uint64_t removed;        /* segments removed since the start */
	uint64_t removed_unread; /* packets in these that the reader had not passed */
	uint64_t set_aside;      /* bytes behind a damaged record, at the start */
};
struct journal_use journal_use(const struct journal *j);
/* journal_bytes_after: bytes of the segments that hold number n or later, which is how far a reader
 * at n is behind. */
uint64_t journal_bytes_after(const struct journal *j, uint64_t n);

/* The reader: any number of them, in other processes. */
struct journal_reader;

struct journal_packet {
	uint64_t number;
	uint64_t ts_ns;
	uint32_t caplen, len;
	int linktype;
	const uint8_t *data; /* valid until the next call */
};

int journal_reader_new(const char *dir, struct journal_reader **out);
void journal_reader_free(struct journal_reader **r);
/* journal_reader_seek: the next packet wanted is n; 0: the oldest. */
void journal_reader_seek(struct journal_reader *r, uint64_t n);
/* journal_reader_next: 1 with the packet wanted or, after a gap, with the next one that exists (see
 * its number); 0 when there is none yet; -errno. */
int journal_reader_next(struct journal_reader *r, struct journal_packet *out);
/* journal_reader_at: the number wanted next; 0: the oldest. */
uint64_t journal_reader_at(const struct journal_reader *r);
/* journal_bounds: the oldest number and the one after the newest; both 0 for an empty or absent
 * journal. 0 or -errno. */
int journal_bounds(const char *dir, uint64_t *oldest, uint64_t *next);

/* journal_flush: for readers: flushes the packets that were read so far. 0, also for an absent
 * journal, or -errno. */
int journal_flush(const char *dir);

/* Marks. journal_mark_set replaces the file. journal_mark_get: -ENOENT if there is none, which
 * means that this reader never ran; -EBADMSG if it is damaged; another -errno. */
int journal_mark_set(const char *dir, const char *reader, uint64_t n);
int journal_mark_get(const char *dir, const char *reader, uint64_t *n);

#endif
