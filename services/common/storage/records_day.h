/*
 * records_day: the files of a records folder, by day.
 *
 * A day is a number YYYYMMDD (UTC), so that days compare as numbers; 0 is no day.
 */
#ifndef STORAGE_RECORDS_DAY_H
#define STORAGE_RECORDS_DAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define DAY_NAME 32 /* room for a file name */

uint32_t day_of_ns(uint64_t ns);
uint32_t day_next(uint32_t day);
/* day_number: days since 1970, for differences. */
int64_t day_number(uint32_t day);

/* "YYYY-MM-DD.jsonl", with ".gz" when compressed; and back. */
void day_name(uint32_t day, bool gz, char out[DAY_NAME]);
bool day_parse(const char *name, uint32_t *day, bool *gz);

/* A file of `day` that was renamed leaves a note. day_note_name: the name of the note. day_noted:
 * the day that the file is now, by the note; 0 without a note. */
void day_note_name(uint32_t day, char out[DAY_NAME]);
uint32_t day_noted(int dirfd, uint32_t day);

/* day_each: calls fn for every file of the folder, in no order. 0 or -errno. */
int day_each(int dirfd, void (*fn)(void *arg, uint32_t day, bool gz), void *arg);
/* day_after: the first day after `day` that has a file, and the last one of all; 0 for none. */
int day_after(int dirfd, uint32_t day, uint32_t *first, uint32_t *last);

/* A file without write permission gets no more lines: its writer went on to another day. */
static inline bool day_sealed(const struct stat *st)
{
	return !(st->st_mode & S_IWUSR);
}

#endif
