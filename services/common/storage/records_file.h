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

/* Since when the time of day has gone as CLOCK_MONOTONIC does. */
struct records_clock {
	uint64_t real_ns, mono_ns;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
};

struct records {
	int dirfd, fd;
	uint32_t day; /* of fd */
	int64_t size; /* of fd after our last line; another size: another process wrote since */
	bool fresh;   /* the folder was not synced since fd was made */
	/* Our lines that were not synced: from..to of fd, unless scattered. */
	int64_t from, to; /* from -1: there are none */
	bool scattered;   /* they do not follow one another, or are in two files */
	/* after a sync that failed, offset of the next line that comes again; -1: none */
	int64_t again;
	int former;      /* 0, or -errno of syncing the previous day's file when it was left */
	struct buf line; /* the line and its newline, for one write */
	int64_t keep_days, plain_days;
	struct records_gz gz;
	struct records_clock clock;
};

/* Whole-file lock among all processes, and its end. */
int records_lock(int fd);
void records_unlock(int fd);
/* records_seal: marks the day of fd as over. It takes the lock, so no line comes after it. */
void records_seal(int fd);
/* records_clock_is_even: whether the time of day has gone as CLOCK_MONOTONIC did for an hour of
 * calls. */
bool records_clock_is_even(struct records_clock *c, uint64_t real_ns, uint64_t mono_ns);
/* records_come_back: renames one day that is far ahead of real_ns to the day it was written on. 1:
 * there may be more; 0; -errno. */
int records_come_back(struct records *r, uint64_t real_ns);
/* records_gz_abandon: forgets a compression that was begun. */
void records_gz_abandon(struct records *r);

#endif
