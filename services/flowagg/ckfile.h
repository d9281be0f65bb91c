/*
 * ckfile: the checkpoint as a file, replaced in one step.
 */
#ifndef FLOWAGG_CKFILE_H
#define FLOWAGG_CKFILE_H

#include "flowagg/agg.h"

/* ckfile_save: writes path.new, flushes it, renames it to path and flushes the directory. 0 or
 * -errno. */
int ckfile_save(const char *path, const struct agg *a);

/* ckfile_load: as checkpoint_load. Also -ENOENT (no file), -EIO (the disk cannot read it), or
 * another -errno. */
int ckfile_load(const char *path, struct agg *a, const struct agg_limits *limits, agg_seal_fn seal,
		void *arg);

/* ckfile_heads: the numbers of checkpoint_verify, without loading the checkpoint. 0 or -errno, as
 * ckfile_load. */
int ckfile_heads(const char *path, uint64_t *next, uint64_t *next_seal);

#endif
