/*
 * newest: keeps the newest of many lines in bounded memory, in whatever order they come.
 */
#ifndef LURKER_NEWEST_H
#define LURKER_NEWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct newest;

/* newest_new: hands out at most `most` lines in all and keeps about `bytes` at a time. 0 or
 * -ENOMEM. */
int newest_new(size_t most, size_t bytes, struct newest **out);
void newest_free(struct newest **n);
/* newest_add: copies a line, unless enough newer ones are kept. ts in seconds; of two lines with
 * the same time, the one with the higher place is newer. 0 or -ENOMEM. */
int newest_add(struct newest *n, double ts, uint64_t place, struct bytes line);
/* newest_out: calls fn for the lines from the time `from` on, newest first, and forgets them. The
 * caller adds no line from that time on afterwards. */
void newest_out(struct newest *n, double from, void (*fn)(void *arg, const char *line), void *arg);
/* newest_left: how many lines can still be handed out. */
size_t newest_left(const struct newest *n);
/* newest_cut: whether lines were dropped because of `bytes`: lines of the time *ts and older
 * ones. */
bool newest_cut(const struct newest *n, double *ts);

#endif
