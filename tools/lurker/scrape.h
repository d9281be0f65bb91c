/*
 * scrape: the HTTP endpoint of `lurker metrics`: one thread, SCRAPE_CLIENTS connections at most,
 * each for one request and SCRAPE_LIMIT_NS long at most. Further clients wait in the kernel's
 * backlog.
 */
#ifndef LURKER_SCRAPE_H
#define LURKER_SCRAPE_H

#include <stdint.h>

#include "proto/buf.h"
#include "rt/loop.h"

#define SCRAPE_CLIENTS  16
#define SCRAPE_LIMIT_NS (5 * UINT64_C(1000000000))

struct scrape;

/* Appends the body of an answer. 0 or -errno. */
typedef int (*scrape_fn)(void *arg, struct buf *out);

/* scrape_bind: listens on ADDRESS:PORT or [ADDRESS]:PORT (numbers; port 0: any). 0 with *fd, or
 * -errno. */
int scrape_bind(const char *where, int *fd);
/* scrape_new: serves the listening socket, which it owns from then on. 0 or -errno. */
int scrape_new(struct loop *l, int fd, scrape_fn fn, void *arg, struct scrape **out);
void scrape_free(struct scrape **s);

#endif
