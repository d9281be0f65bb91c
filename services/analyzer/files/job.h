/*
 * job: lurker-analyzer on the command line: files in, lines out.
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

/* job_run: reads the operands and writes to out. 0; 1 if a file could not be read completely
 * (standard error says why; the readable part is in the output); -errno if the job itself failed.
 * */
int job_run(const struct job_options *o, char *const *operands, size_t n, FILE *out);

#endif
