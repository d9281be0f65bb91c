/*
 * account: a service's counters on disk, for the balance that `lurker audit` draws.
 *
 *   STATE_DIR/stat/<service>/now               the counters as last published, replaced in one step
 *   STATE_DIR/stat/<service>/YYYY-MM-DD.jsonl  (records) the first counters of each run, one line every
 *                                              ten minutes, and the last ones: mark start, time, stop,
 *                                              or lost: of a run that was killed, found in `now` by the
 *                                              next one
 *
 * A line is the JSON of the message `stat` with service, ts_ns and mark before it. Bounded: some
 * hundred lines a day, days beyond ACCOUNT_KEEP_DAYS go. What was counted between the last `now`
 * and a kill (a stat interval at most) is on no line; what must be exact through kills is counted
 * by packet numbers, not here.
 */
#ifndef STORAGE_ACCOUNT_H
#define STORAGE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

#define ACCOUNT_EVERY_NS  (600 * UINT64_C(1000000000))
#define ACCOUNT_KEEP_DAYS 400

enum account_mark { ACCOUNT_START, ACCOUNT_TIME, ACCOUNT_STOP, ACCOUNT_LOST };

struct account;

/* account_open: makes the folders, and a line of the last run's `now` if that run did not end it. 0
 * or -errno. */
int account_open(const char *state_dir, const char *service, struct account **out);
void account_close(struct account **a);
/* account_note: json is the message; the first note of a run becomes its start line, final its stop
 * line. 0 or -errno; the next note tries again what could not be written. */
int account_note(struct account *a, uint64_t now_ns, struct bytes json, bool final);

#endif
