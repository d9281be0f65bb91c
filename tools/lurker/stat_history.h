/*
 * stat_history: the counters that services left on disk (storage/counters_file.h), for a period.
 *
 * A service has runs (epochs). Of each run, the first and the last note in the period are kept. A
 * run that began before the period is counted from its last note before the period.
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
	struct json_object *base;  /* the last note before the period; NULL: the run began in it */
	struct json_object *first; /* the first note in the period */
	struct json_object *last;
	bool killed; /* the last note is not that of a stop: the run was killed or goes on */
};

struct stat_history_service {
	char name[32];
	struct json_object *before;   /* the last note before the period */
	struct stat_history_run *run; /* oldest first */
	size_t nruns;
	uint64_t begin_ns, end_ns; /* times of the notes used; begin_ns 0: from the first run on */
};

struct stat_history {
	struct stat_history_service service[STAT_HISTORY_SERVICES];
	size_t n;
	uint64_t since_ns, until_ns;
};

/* stat_history_read: all services below STATE_DIR/stat. 0; -ENOENT: there are no counters; or
 * another -errno. On an error *out is empty. */
int stat_history_read(const char *state_dir, uint64_t since_ns, uint64_t until_ns,
		      struct stat_history *out);
void stat_history_free(struct stat_history *t);
/* stat_history_add: adds a note of a service, in the order of time, and takes over the reference to
 * line. 0 or -ENOMEM. */
int stat_history_add(struct stat_history *t, const char *service, struct json_object *line);

/* stat_history_service: a service by its name; NULL: it left no counters. */
const struct stat_history_service *stat_history_service(const struct stat_history *t,
							const char *name);

/* The values of one metric; 0 where there is none. */

/* Growth, summed over all runs in the period. */
uint64_t stat_history_sum(const struct stat_history *t, const char *service, const char *metric);
/* Value at the beginning of the period: in the last note before it, else when the first run began.
 * start: the metric that says what this one was when a run began, for a run's first note may come
 * late; NULL: the first note's value is taken. */
uint64_t stat_history_begin(const struct stat_history *t, const char *service, const char *metric,
			    const char *start);
/* Value at the end of the period. */
uint64_t stat_history_end(const struct stat_history *t, const char *service, const char *metric);
/* Growth of a metric that counts across runs, in the runs with a gauge `on` other than 0. */
uint64_t stat_history_while(const struct stat_history *t, const char *service, const char *metric,
			    const char *on);
/* Whether a gauge was other than 0 in the last note of any run. */
bool stat_history_ever(const struct stat_history *t, const char *service, const char *metric);
/* Growth between the last note of a run and the start of the next: the run was killed, or the disk
 * took no note. start: as above. */
uint64_t stat_history_late(const struct stat_history *t, const char *service, const char *metric,
			   const char *start);

#endif
