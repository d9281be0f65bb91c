/*
 * progress: how far a long run has come, on a terminal.
 */
#ifndef LOGPTN_CMD_PROGRESS_H
#define LOGPTN_CMD_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct progress {
	atomic_size_t done; /* bytes; the workers count here */
	size_t total;
	bool on, shown, stop;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

/* progress_start: shows a line on standard error after a second, if it is a terminal and wanted. */
void progress_start(struct progress *p, bool wanted, size_t total);
void progress_stop(struct progress *p);

#endif
