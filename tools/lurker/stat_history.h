/*
 * stat_history: the counters that services left on disk (storage/counters_file.h), for a period.
 *
 * A service has runs (epochs), each with its first and its last note in the period. A run that was
 * on at the period's beginning is counted from its last note before it.
 */
#ifndef LURKER_STAT_HISTORY_H
#define LURKER_STAT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define STAT_HISTORY_SERVICES 16

struct stat_history_run {
	uint64_t epoch;
	struct json_object *base;  /* what is to be subtracted; NULL: the run began in the period */
	struct json_object *first; /* the first note in the period */
	struct json_object *last;
	bool killed; /* its last note is no stop line */
};

struct stat_history_service {
	char name[32];
	struct json_object *before;   /* the last note before the period */
	struct stat_history_run *run; /* oldest first */
	size_t nruns;
	uint64_t begin_ns, end_ns; /* of the notes used; begin_ns 0: from the first run on */
};

struct stat_history {
	struct stat_history_service service[STAT_HISTORY_SERVICES];
	size_t n;
	uint64_t since_ns, until_ns;
};

/* stat_history_read: all services below STATE_DIR/stat. 0; -ENOENT: there are no counters; -errno. */
int stat_history_read(const char *state_dir, uint64_t since_ns, uint64_t until_ns,
		      struct stat_history *out);
void stat_history_free(struct stat_history *t);
/* stat_history_add: one note of a service, in the order of time; takes over the reference to line. 0 or
 * -ENOMEM. */
int stat_history_add(struct stat_history *t, const char *service, struct json_object *line);

const struct stat_history_service *stat_history_service(const struct stat_history *t,
							const char *name);
/* One metric, 0 where there is none. sum: grew by, in all runs together. begin, end: its value at
 * the period's two ends; begin is the first note's when there is none before the period. late: grew
 * between the last note of a run and the start of the next: when it was killed, or the disk took no
 * note. start: NULL, or the metric that says what the other was when a run began, for the first
 * note of a run may be a late one. */
uint64_t stat_history_sum(const struct stat_history *t, const char *service, const char *metric);
uint64_t stat_history_begin(const struct stat_history *t, const char *service, const char *metric,
			    const char *start);
uint64_t stat_history_end(const struct stat_history *t, const char *service, const char *metric);
/* while: sum over the runs in which the gauge `on` was not 0 of what the metric, which counts over
 * all runs, grew by. */
uint64_t stat_history_while(const struct stat_history *t, const char *service, const char *metric,
			    const char *on);
/* ever: whether the gauge was not 0 in the last note of any run. */
bool stat_history_ever(const struct stat_history *t, const char *service, const char *metric);
uint64_t stat_history_late(const struct stat_history *t, const char *service, const char *metric,
			   const char *start);

#endif
