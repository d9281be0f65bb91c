/*
 * learning: what lurker-logptn has learnt, and when it is saved and told.
 *
 * Lines are counted by group (groups.h). The place in the records up to which they are counted and
 * the tables are saved together, so that after a crash each record has been counted exactly once. A
 * log template is announced again if the crash came before the state was saved. Times are of the
 * monotonic clock.
 */
#ifndef LOGPTN_SERVICE_LEARNING_H
#define LOGPTN_SERVICE_LEARNING_H

#include <limits.h>
#include <stdbool.h>

#include "logptn/service/groups.h"
#include "logptn/service/logptn_count.h"

/* How often new log templates are made at most. */
#define LEARNING_MAKE_NS (NS_PER_S / 4)

struct learning {
	struct groups groups;
	uint64_t values[LOGPTN_COUNTS];
	uint64_t update_ns, save_ns; /* intervals of counts and of savings */
	uint64_t made_ns, updated_ns, saved_ns;
	bool dirty; /* something to save */
	char path[PATH_MAX];
};

/* learning_load: starts from the state in path; no file is an empty state. 0, or -errno after
 * logging it. */
int learning_load(struct learning *l, const char *path);

/* learning_save: 0, or -errno after logging it; then it is tried again when it is due. */
int learning_save(struct learning *l);

/* learning_save_due: saves if there is something to save and the interval is over. */
void learning_save_due(struct learning *l);

/* learning_record: counts the lines of one analysis record; what is no record is counted so. */
void learning_record(struct learning *l, struct bytes json);

/* learning_lines: counts plain log lines, one or more, that came at ns since the epoch. */
void learning_lines(struct learning *l, struct bytes text, uint64_t ns);

/* learning_tell: calls fn for new log templates, at most each LEARNING_MAKE_NS, and each interval
 * for all whose group had more lines. */
void learning_tell(struct learning *l, groups_fn fn, void *arg);

/* learning_tell_new: calls fn for new log templates now. */
void learning_tell_new(struct learning *l, groups_fn fn, void *arg);

/* learning_gauges: the values that are sums over the groups. */
void learning_gauges(struct learning *l);

void learning_fini(struct learning *l);

#endif
