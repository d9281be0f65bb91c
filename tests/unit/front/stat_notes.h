/*
 * stat_notes: notes that services leave, for tests of what is made of them.
 */
#ifndef TEST_FRONT_STAT_NOTES_H
#define TEST_FRONT_STAT_NOTES_H

#include "stat_history.h"

/* stat_note: capture's counters at a time, of the run `epoch`; mark: start, time, stop, lost. */
void stat_note(struct stat_history *t, uint64_t ts, uint64_t epoch, const char *mark,
	       unsigned received, unsigned packets, unsigned next);
/* stat_three_runs: one ended in order, one killed with 7 numbers after its last note, one that goes
 * on. */
void stat_three_runs(struct stat_history *t);
/* stat_note_of: a service's note at the time `epoch`, with these counters as JSON. */
void stat_note_of(struct stat_history *t, const char *service, uint64_t epoch,
		  const char *counters);

#endif
