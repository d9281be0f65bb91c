/*
 * time_arg: points in time as people write them on the command line.
 */
#ifndef LURKER_TIME_ARG_H
#define LURKER_TIME_ARG_H

#include <stddef.h>
#include <stdint.h>

/* time_arg_parse: the text is one of
 *   today, yesterday               midnight
 *   90s, 30m, 2h, 7d, 4w           this long before now_ns; at the earliest 1970
 *   2026-11-21                     a date, with or without a time and an offset:
 *   2026-11-21T08:30               T or a blank between them, seconds if you like;
 *   2026-11-21T08:30:00+01:00      Z, +01:00, +0100 or +01
 * UTC where no offset is given. Nanoseconds since 1970 go to *out_ns. 0 or -EINVAL. */
int time_arg_parse(const char *text, uint64_t now_ns, uint64_t *out_ns);

/* time_arg_option: the same for an option such as "--since"; text NULL (not given) leaves *out_ns
 * as it is. On -EINVAL err says which option is wrong and what is expected. */
int time_arg_option(const char *option, const char *text, uint64_t now_ns, uint64_t *out_ns,
		    char *err, size_t errlen);

#endif
