/*
 * when: points in time as people write them.
 */
#ifndef LURKER_WHEN_H
#define LURKER_WHEN_H

#include <stdint.h>
#include <time.h>

/* when_parse: `today`, `yesterday` (midnight), a span back from now (`90s`, `30m`, `2h`, `7d`,
 * `4w`), or a date with or without time and offset (`2026-11-21`, `2026-11-21T08:30`,
 * `2026-11-21T08:30:00Z`, `2026-11-21T08:30+01:00`). UTC where there is no offset, as everything
 * that is printed. 0 or -EINVAL. */
int when_parse(const char *text, uint64_t now_ns, uint64_t *out_ns);

#endif
