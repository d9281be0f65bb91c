/*
 * pager: bytes set aside on disk while memory is short, in a file without a name.
 *
 * Written in runs, one after another; read back by place. What was read back is not reused: the
 * file lives as long as one capture file is read.
 */
#ifndef ANALYZER_PAGER_H
#define ANALYZER_PAGER_H

#include <stddef.h>
#include <stdint.h>

struct pager;

/* pager_new: dir holds the file, made with the first write. 0 or -ENOMEM. */
int pager_new(const char *dir, struct pager **out);
void pager_free(struct pager **p);
/* pager_write: appends n bytes; their place. 0 or -errno. */
int pager_write(struct pager *p, const void *data, size_t n, uint64_t *place);
/* pager_read: exactly n bytes from a place. 0 or -errno. */
int pager_read(struct pager *p, uint64_t place, void *data, size_t n);
/* pager_bytes: written so far. */
uint64_t pager_bytes(const struct pager *p);

#endif
