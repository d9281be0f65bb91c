/*
 * restore: where flowagg resumes after a start.
 *
 *   checkpoint   what happens
 *   whole        open flows, bundle and totals are restored; the journal is read from there on
 *   absent       a first start: the journal is read from its beginning
 *   damaged      torn, foreign, or of another version: the open flows are lost; the journal is read
 *                from flowagg's mark in it, because what is sealed before the mark is delivered
 *   EIO          the disk is asked RESTORE_ATTEMPTS times; then the checkpoint counts as damaged
 *   other error  the start fails: a checkpoint that may be good another time is not overwritten
 */
#ifndef FLOWAGG_RESTORE_H
#define FLOWAGG_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/agg.h"

#define RESTORE_ATTEMPTS 3

/* How a checkpoint is read; tests substitute a disk of their own. */
struct restore_disk {
	/* As ckfile_heads and ckfile_load. */
	int (*heads)(const char *path, uint64_t *next, uint64_t *next_seal);
	int (*load)(const char *path, struct agg *a, const struct agg_limits *limits,
		    agg_seal_fn seal, void *arg);
	void (*pause)(void); /* between two attempts */
};
/* The files themselves. */
extern const struct restore_disk restore_disk;

enum restore_found { RESTORE_ABSENT, RESTORE_WHOLE, RESTORE_DAMAGED };

struct restore_point {
	enum restore_found found;
	uint64_t next;      /* number of the next packet; 0 unless whole */
	uint64_t next_seal; /* number of the next seal; 1 unless whole */
};

/* restore_find: looks at the checkpoint without loading it. 0, or -errno after logging why: the
 * start fails. */
int restore_find(const struct restore_disk *disk, const char *checkpoint,
		 struct restore_point *out);

/* restore_agg: initialises *a as restore_find decided. *fresh: agg is empty, and the caller must
 * save a checkpoint before the first packet, because a replay needs the same hash seed; a->next is
 * then the number to resume at, or 0 for the journal's oldest packet. 0, or -errno: *a is not
 * initialised. */
int restore_agg(const struct restore_disk *disk, const char *checkpoint, const char *journal_dir,
		const struct restore_point *point, const struct agg_limits *limits,
		agg_seal_fn seal, void *arg, struct agg *a, bool *fresh);

#endif
