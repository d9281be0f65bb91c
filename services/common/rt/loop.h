/*
 * loop: one thread waits for descriptors, ZeroMQ sockets, timers and signals, and calls back.
 */
#ifndef RT_LOOP_H
#define RT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void (*loop_fn)(void *arg);

int loop_new(struct loop **out);
void loop_free(struct loop **l);

/* loop_fd: calls fn while fd is readable. 0, or -ENOSPC when the loop's bounded table is full. */
int loop_fd(struct loop *l, int fd, loop_fn fn, void *arg);
/* loop_fd_events: like loop_fd with poll(2) events; 0 events pauses it. Replaces an earlier
 * registration. */
int loop_fd_events(struct loop *l, int fd, short events, loop_fn fn, void *arg);
/* loop_zmq: calls fn while the ZeroMQ socket is readable. */
int loop_zmq(struct loop *l, void *socket, loop_fn fn, void *arg);
void loop_forget_fd(struct loop *l, int fd);
/* loop_every: calls fn each period (CLOCK_MONOTONIC), first after one period. */
int loop_every(struct loop *l, uint64_t period_ns, loop_fn fn, void *arg);
/* loop_at: calls fn once when CLOCK_MONOTONIC reaches when_ns (at once if it has); of one fn and
 * arg only the last call counts, UINT64_MAX takes it back. 0 or -ENOSPC. */
int loop_at(struct loop *l, uint64_t when_ns, loop_fn fn, void *arg);
/* loop_busy: while set, waits do not block and fn is called each turn; NULL ends it. For work at
 * hand, such as reading a file as fast as possible, so that the rest is still served. */
void loop_busy(struct loop *l, loop_fn fn, void *arg);
/* loop_run: until loop_stop or a SIGTERM or SIGINT. 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* loop_on_hup: called for SIGHUP. */
void loop_on_hup(struct loop *l, loop_fn fn, void *arg);

#endif
