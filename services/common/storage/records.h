/*
 * records: append-only JSON lines, one file a UTC day, read by saved offset.
 *
 *   STATE_DIR/records/<topic>/YYYY-MM-DD.jsonl      today and recent days
 *   STATE_DIR/records/<topic>/YYYY-MM-DD.jsonl.gz   older days
 *
 * What must not be lost is here before it is announced on the bus. A line is written with one
 * write(2). Several processes may append to one folder. A line that was torn (power loss, a kill)
 * is closed before the next one, and readers skip lines that are not whole. Days never go
 * back: when the clock does, lines are added to the newest day. A day that is over is made
 * read-only before a later one begins; that tells readers that they have all of it.
 */
#ifndef STORAGE_RECORDS_H
#define STORAGE_RECORDS_H

#include <stdint.h>

#include "proto/buf.h"

struct records;

/* records_open: dir is …/records/<topic>, made if missing (0750). keep_days: files that
 * are older are removed; 0 keeps all. plain_days: number of days that stay uncompressed, at least
 * 1. 0 or -errno. */
int records_open(const char *dir, int64_t keep_days, int64_t plain_days, struct records **out);
void records_close(struct records **r);
/* records_append: appends line (a newline is added). now_ns chooses the day. 0 or -errno; on an
 * error nothing of the line stays in the file. One call may take several lines, with newlines
 * between them: all or none are written, in a fraction of the time. */
int records_append(struct records *r, uint64_t now_ns, struct bytes line);
/* records_sync: flushes the lines, for callers that remove their input afterwards. 0; -errno: lines
 * appended since the last successful sync may not be on disk, whatever a later sync returns. The
 * caller then appends all of these again, unchanged and in the same order. Each is written over
 * itself, so that readers notice nothing; lines of a day that is over, or between which other
 * processes wrote, are written a second time. */
int records_sync(struct records *r);
/* records_tidy: compresses and removes old days, in bounded steps. 1: there is more to do; 0;
 * -errno. mono_ns is CLOCK_MONOTONIC. Days are removed, and days far ahead are renamed, only after
 * the two clocks have agreed for an hour of calls. A day far ahead was written by a wrong clock: it
 * gets the name that it should have had, and a file DAY.now tells readers of the old name the new
 * one. */
int records_tidy(struct records *r, uint64_t now_ns, uint64_t mono_ns);

/* A reader's position: a day (YYYYMMDD; 0: the oldest file) and the byte offset in its uncompressed
 * lines. */
struct records_pos {
	uint32_t day;
	uint64_t offset;
};
struct records_reader;
int records_reader_open(const char *dir, struct records_pos from, struct records_reader **out);
/* records_next: 1 with a line (without newline, valid until the next call) and the position after
 * it; 0 when there is none yet; -errno. Lines of more than 64 MiB are skipped and counted. */
int records_next(struct records_reader *r, struct bytes *line, struct records_pos *after);
/* records_reader_skipped: number of lines skipped so far because they were torn, damaged or too
 * long. */
uint64_t records_reader_skipped(const struct records_reader *r);
void records_reader_close(struct records_reader **r);

#endif
