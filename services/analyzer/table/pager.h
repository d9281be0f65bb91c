/*
 * pager: stores runs of bytes, first in memory, then in an unnamed file.
 *
 * Stored bytes never change. The pager takes memory when the first run is written, and makes the
 * file when the memory is used up.
 */
#ifndef ANALYZER_PAGER_H
#define ANALYZER_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct pager;

/* pager_new: the first `memory` bytes stay in memory. dir, the folder of the file, is borrowed. 0
 * or -ENOMEM. */
int pager_new(const char *dir, size_t memory, struct pager **out);
void pager_free(struct pager **p);

/* pager_write: stores the parts in a row; *place tells where. 0, or -errno and nothing is
 * stored. */
int pager_write(struct pager *p, const struct bytes *part, size_t parts, uint64_t *place);
/* pager_read: reads n bytes from place on. 0, -EIO if fewer are stored, or another -errno. */
int pager_read(struct pager *p, uint64_t place, void *data, size_t n);

/* pager_prefetch: loads what is at a place into the cache; only a hint. */
void pager_prefetch(const struct pager *p, uint64_t place);

/* pager_on_disk: whether a place is in the file. pager_end: the place after the last byte. */
bool pager_on_disk(const struct pager *p, uint64_t place);
uint64_t pager_end(const struct pager *p);

#endif
