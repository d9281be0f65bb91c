/*
 * scrape: the HTTP endpoint of `lurker metrics`. One thread serves at most SCRAPE_CLIENTS
 * connections, each for one request and for at most SCRAPE_LIMIT_NS. Further clients wait in the
 * kernel's backlog.
 */
#ifndef LURKER_SCRAPE_H
#define LURKER_SCRAPE_H

#include <stdint.h>

#include "base/clock.h"
#include "proto/buf.h"
#include "rt/loop.h"

#define SCRAPE_CLIENTS  16
#define SCRAPE_LIMIT_NS (5 * NS_PER_S)

struct scrape;

/* Appends the body of a response. 0, or -errno for status 503. */
typedef int (*scrape_fn)(void *arg, struct buf *out);

/* scrape_bind: listens on ADDRESS:PORT or [ADDRESS]:PORT, both numeric; port 0 lets the kernel
 * choose. 0 with the socket in *fd, or -errno (-EINVAL: not of this form). */
int scrape_bind(const char *where, int *fd);
/* scrape_new: serves the listening socket, which it owns from then on, also on an error. 0 or
 * -errno; call scrape_free in either case. */
int scrape_new(struct loop *l, int fd, scrape_fn fn, void *arg, struct scrape **out);
void scrape_free(struct scrape **s);

#endif
