/*
 * bus_sub: one subscription: its socket, what it missed, and that it stays connected.
 */
#ifndef RT_BUS_SUB_H
#define RT_BUS_SUB_H

#include "rt/bus_end.h"

struct bus_sub;

/* bus_sub_new: as bus_subscribe. e and counts are borrowed for the life of the subscription; id is
 * its number within the context. */
int bus_sub_new(const struct bus_end *e, unsigned id, const char *producer, const char *topic,
		bus_fn fn, void *arg, struct bus_counts *counts, struct bus_sub **out);
void bus_sub_free(struct bus_sub **s);
/* bus_sub_mend: once a second: connects again what libzmq has given up. */
void bus_sub_mend(struct bus_sub *s);
/* bus_sub_remote: whether the publisher may be on another machine. */
bool bus_sub_remote(const struct bus_sub *s);
/* bus_sub_bound: of a remote one, ten times a second: disconnects a publisher that sends more than
 * messages can be. */
void bus_sub_bound(struct bus_sub *s);

#endif
