/*
 * notify: tells a service manager how the service is doing.
 *
 * The protocol of sd_notify(3): datagrams of KEY=VALUE lines to the socket named in $NOTIFY_SOCKET.
 * It is declared stable there, and small enough that a library for it would only add to every
 * service's memory.
 */
#ifndef RT_NOTIFY_H
#define RT_NOTIFY_H

#include <stdint.h>

/* notify_open: connects to the manager, if there is one. Before the sandbox. */
void notify_open(void);
/* notify: sends state, such as "READY=1"; does nothing without a manager. */
void notify(const char *state);
/* notify_watchdog_ns: how often the manager wants to hear "WATCHDOG=1" at least (half of its
 * limit); 0: not at all. */
uint64_t notify_watchdog_ns(void);

#endif
