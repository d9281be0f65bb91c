/*
 * job: files in, lines out: what lurker-analyzer does when it is given files.
 */
#ifndef ANALYZER_JOB_H
#define ANALYZER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "files/worker_pool.h"

struct record_diff;

struct job_options {
	struct worker_pool_options pool;
	unsigned jobs;
	size_t max_classes, max_sources; /* of history */
	struct record_diff *diff;        /* not NULL: compare instead of print */
	bool progress;                   /* on standard error */
};

/* job_run: works through the operands and writes to out. 0; 1 when a file could not be read to its
 * end or in part (reported on standard error; what was readable is in the output); -errno when the
 * job itself failed. */
int job_run(const struct job_options *o, char *const *operands, size_t n, FILE *out);

#endif
