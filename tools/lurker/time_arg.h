/*
 * time_arg: points in time as people write them.
 */
#ifndef LURKER_TIME_ARG_H
#define LURKER_TIME_ARG_H

#include <stdint.h>
#include <time.h>

/* time_arg_parse: `today`, `yesterday` (midnight), a span back from now (`90s`, `30m`, `2h`, `7d`,
 * `4w`), or a date with or without time and offset (`2026-11-21`, `2026-11-21T08:30`,
 * `2026-11-21T08:30:00Z`, `2026-11-21T08:30+01:00`). UTC where there is no offset, as everything
 * that is printed. 0 or -EINVAL. */
int time_arg_parse(const char *text, uint64_t now_ns, uint64_t *out_ns);

#endif
