/*
 * pager: runs of bytes put aside, at first in memory, then in a file without a name.
 *
 * What is written stays. The file is made when the memory is used up, and memory only when
 * something is written.
 */
#ifndef ANALYZER_PAGER_H
#define ANALYZER_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct pager;

/* pager_new: memory bytes stay in memory; dir is borrowed. 0 or -ENOMEM. */
int pager_new(const char *dir, size_t memory, struct pager **out);
void pager_free(struct pager **p);

/* pager_write: the parts, one behind the other, at *place. 0 or -errno: nothing was written. */
int pager_write(struct pager *p, const struct bytes *part, size_t parts, uint64_t *place);
/* pager_read: n bytes at place or behind it. 0, -EIO when there are not as many, or another
 * -errno. */
int pager_read(struct pager *p, uint64_t place, void *data, size_t n);

/* pager_prefetch: asks memory for what is at a place. Nothing depends on it. */
void pager_prefetch(const struct pager *p, uint64_t place);

/* pager_on_disk: whether a place is not in memory. pager_end: behind the last place. */
bool pager_on_disk(const struct pager *p, uint64_t place);
uint64_t pager_end(const struct pager *p);

#endif
