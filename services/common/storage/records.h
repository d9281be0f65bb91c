/*
 * records: append-only JSON lines, one file a UTC day, read by saved offset.
 *
 *   STATE_DIR/records/<topic>/YYYY-MM-DD.jsonl      today and recent days
 *   STATE_DIR/records/<topic>/YYYY-MM-DD.jsonl.gz   older days
 *
 * What may not be lost is here before it is announced on the bus. A line is written with one
 * write(2). Several processes may append to one folder. A line that was torn (power loss, a kill)
 * is closed before the next one, and readers skip lines that are not whole. Days never go back:
 * when the clock does, lines go on to the last day there is. A day that is over is made read-only
 * before a later one begins, which is how readers know that they have all of it.
 */
#ifndef STORAGE_RECORDS_H
#define STORAGE_RECORDS_H

#include <stdint.h>

#include "proto/buf.h"

struct records;

/* records_open: dir is …/records/<topic>, made if missing (0750). keep_days: older files are
 * removed, 0 keeps all; plain_days: how many days stay uncompressed (at least 1). */
int records_open(const char *dir, int64_t keep_days, int64_t plain_days, struct records **out);
void records_close(struct records **r);
/* records_append: appends line (a newline is added). now_ns chooses the day. 0 or -errno; on an
 * error nothing of the line stays in the file. Several lines, with newlines between them, may come
 * in one
 * call: all or none of them are written, and at a fraction of the time. */
int records_append(struct records *r, uint64_t now_ns, struct bytes line);
/* records_sync: fdatasync, for callers that remove their input afterwards. 0; -errno: no line since
 * the last time it went well is on disk for sure, whatever a later sync says. The caller appends
 * all of them again, the same in the same order: each is written where it stands already, so that
 * readers notice nothing, or anew when that place is not this day's. */
int records_sync(struct records *r);
/* records_tidy: compresses and removes old days, a bounded step a call. 1 if there is more to do.
 * mono_ns is CLOCK_MONOTONIC: days are removed only when the time of day went evenly for an hour of
 * calls, and then a day that is far ahead, of a clock that was wrong, gets the name it should have
 * had (DAY.now says which, for readers with the old one). */
int records_tidy(struct records *r, uint64_t now_ns, uint64_t mono_ns);

/* A reader's place: day (YYYYMMDD, 0: the oldest file) and byte offset in that day's uncompressed
 * lines. */
struct records_pos {
	uint32_t day;
	uint64_t offset;
};
struct records_reader;
int records_reader_open(const char *dir, struct records_pos from, struct records_reader **out);
/* records_next: 1 with a line (without newline, valid until the next call) and the place after it;
 * 0 when there is no more for now; -errno. Lines of more than 64 MiB are skipped and counted. */
int records_next(struct records_reader *r, struct bytes *line, struct records_pos *after);
/* records_reader_skipped: lines left out so far: torn, damaged or too long. */
uint64_t records_reader_skipped(const struct records_reader *r);
void records_reader_close(struct records_reader **r);

#endif
