/*
 * stamp: the time a log line carries.
 */
#ifndef LOGPTN_CMD_STAMP_H
#define LOGPTN_CMD_STAMP_H

#include <stddef.h>
#include <stdint.h>

/* stamp_parse: the first time in the first STAMP_REACH bytes of a line, in seconds since the epoch,
 * as if in UTC; -1 if there is none. year stands in for a year that is not written. */
#define STAMP_REACH 100u
int64_t stamp_parse(const uint8_t *line, size_t n, int year);

#endif
