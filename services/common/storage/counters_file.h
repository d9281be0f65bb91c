/*
 * counters_file: a service's counters on disk, for the balance that `lurker audit` draws.
 *
 *   STATE_DIR/stat/<service>/now              the counters as last published, replaced in one step
 *   STATE_DIR/stat/<service>/YYYY-MM-DD.jsonl (records) one line for the first counters of each
 *                                             run, one every ten minutes, one for the last: mark
 *                                             start, time, stop. Mark lost: the last counters of a
 *                                             run that was killed, found in `now` by the next run
 *
 * A line is the JSON of the message `stat`, with service, ts_ns and mark before it. The files are
 * bounded: some hundred lines a day, and days older than COUNTERS_FILE_KEEP_DAYS are removed. What
 * a service counted between the last `now` and a kill, at most one stat interval, is on no line.
 * What must be exact through kills is counted by packet numbers, not here.
 */
#ifndef STORAGE_COUNTERS_FILE_H
#define STORAGE_COUNTERS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

#define COUNTERS_FILE_EVERY_NS  (600 * UINT64_C(1000000000))
#define COUNTERS_FILE_KEEP_DAYS 400

enum counters_file_mark {
	COUNTERS_FILE_START,
	COUNTERS_FILE_TIME,
	COUNTERS_FILE_STOP,
	COUNTERS_FILE_LOST
};

struct counters_file;

/* counters_file_open: makes the folders. If the last run left its `now`, because it was killed,
 * that becomes a line with the mark lost. 0 or -errno. */
int counters_file_open(const char *state_dir, const char *service, struct counters_file **out);
void counters_file_close(struct counters_file **c);
/* counters_file_note: json is the message. The first call of a run writes its start line, a call
 * with `final` its stop line. 0; -EINVAL when json is not an object; another -errno. What could not
 * be written is tried again by the next call. */
int counters_file_note(struct counters_file *c, uint64_t now_ns, struct bytes json, bool final);

#endif
