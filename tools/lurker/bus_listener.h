/*
 * bus_listener: a subscriber to the topics of every service on this host.
 */
#ifndef LURKER_BUS_LISTENER_H
#define LURKER_BUS_LISTENER_H

#include <stddef.h>

#include "rt/svc.h"

struct bus_listener {
	struct loop *loop;
	struct bus *bus;
};

/* bus_listener_open: subscribes to the topics (known ones) at each service's endpoint, as
 * `producers` of the configuration names it, else the default. fn is called for each message while
 * l->loop runs. 0 or -errno, which is logged; bus_listener_close in any case. */
int bus_listener_open(struct bus_listener *l, const struct svc_common *c, const char *const *topics,
		      size_t ntopics, bus_fn fn, void *arg);
void bus_listener_close(struct bus_listener *l);

#endif
