/*
 * newest: the newest lines of many, in bounded memory, whatever order they come in.
 */
#ifndef LURKER_NEWEST_H
#define LURKER_NEWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct newest;

/* newest_new: for at most `most` lines in all and about `bytes` at a time. 0 or -ENOMEM. */
int newest_new(size_t most, size_t bytes, struct newest **out);
void newest_free(struct newest **n);
/* newest_add: takes a copy of a line, unless enough newer ones are there. ts in seconds; of equal
 * times the higher place is the newer. 0 or -ENOMEM. */
int newest_add(struct newest *n, double ts, uint64_t place, struct bytes line);
/* newest_out: hands out the lines from the time `from` on, newest first, and forgets them. Sure
 * only when no line of that time will be added any more. */
void newest_out(struct newest *n, double from, void (*fn)(void *arg, const char *line), void *arg);
/* newest_left: how many lines can still be handed out. */
size_t newest_left(const struct newest *n);
/* newest_cut: whether lines were given up because of `bytes`: those of the time *ts and older
 * ones. */
bool newest_cut(const struct newest *n, double *ts);

#endif
