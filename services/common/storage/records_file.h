/* records_file: what the writer and the tidier of records share. */
#ifndef STORAGE_RECORDS_FILE_H
#define STORAGE_RECORDS_FILE_H

#include <stdint.h>

#include "storage/records.h"
#include "storage/records_day.h"

/* A day that is being compressed. */
struct records_gz {
	int in, out; /* -1: none */
	void *gz;    /* gzFile */
	uint32_t day;
	bool ours; /* we hold the lock on the temporary file */
};

/* When the clock of the calls was last seen to jump. */
struct records_clock {
	uint64_t real_ns, mono_ns;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
};

struct records {
	int dirfd, fd;
	uint32_t day; /* of fd */
	int64_t size; /* of fd after our last line: something else means another process wrote too
		       */
	bool fresh;   /* the folder was not synced since fd was made */
	/* Our lines that were not synced: from..to of fd, if they follow one another there. */
	int64_t from, to; /* from -1: there are none */
	bool scattered;   /* they do not, or are in two files */
	int64_t again;   /* after a sync that failed, where the next line belongs; -1: at the end */
	int former;      /* what syncing the former day's file gave when it was left */
	struct buf line; /* the line and its newline, for one write */
	int64_t keep_days, plain_days;
	struct records_gz gz;
	struct records_clock clock;
};

/* Whole-file lock among all processes, and its end. */
int records_lock(int fd);
void records_unlock(int fd);
/* records_seal: says that fd's day is over. Under the lock, so that a line is before it or not at
 * all. */
void records_seal(int fd);
/* records_clock_is_even: whether the time of day has gone as CLOCK_MONOTONIC did for an hour of
 * calls. */
bool records_clock_is_even(struct records_clock *c, uint64_t real_ns, uint64_t mono_ns);
/* records_come_back: gives one day that is far ahead of real_ns the name of the day it was written
 * on. 1: there may be more; 0; -errno. */
int records_come_back(struct records *r, uint64_t real_ns);
/* records_gz_abandon: forgets a compression that was begun. */
void records_gz_abandon(struct records *r);

#endif
