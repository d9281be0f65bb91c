/* records_file: what the writer and the tidier of records share. */
#ifndef RT_RECORDS_FILE_H
#define RT_RECORDS_FILE_H

#include <stdint.h>

#include "rt/records.h"
#include "rt/records_day.h"

/* A day that is being compressed. */
struct records_gz {
	int in, out; /* -1: none */
	void *gz;    /* gzFile */
	uint32_t day;
	bool ours; /* we hold the lock on the temporary file */
};

struct records {
	int dirfd, fd;
	uint32_t day; /* of fd */
	int64_t size; /* of fd after our last line: something else means another process wrote too
		       */
	bool fresh;   /* the folder was not synced since fd was made */
	struct buf line; /* the line and its newline, for one write */
	int64_t keep_days, plain_days;
	struct records_gz gz;
};

/* Whole-file lock among all processes, and its end. */
int records_lock(int fd);
void records_unlock(int fd);
/* records_seal: says that fd's day is over. Under the lock, so that a line is before it or not at
 * all. */
void records_seal(int fd);
/* records_gz_abandon: forgets a compression that was begun. */
void records_gz_abandon(struct records *r);

#endif
