/*
 * bus_end: the two ends of a connection: endpoints, socket options, keys.
 */
#ifndef RT_BUS_END_H
#define RT_BUS_END_H

#include <stddef.h>

#include "rt/bus.h"

#define BUS_MAX_ENDPOINT 256
/* Bytes of an envelope; also the most that a subscriber may send to a publisher. */
#define BUS_MAX_ENVELOPE 512

struct zap;

struct bus_end {
	struct bus_options o;
	void *ctx;
	struct loop *loop;
};

/* bus_end_rc: -errno of the ZeroMQ call that just failed. */
int bus_end_rc(void);

/* bus_end_bind: binds the PUB socket of o.producer; with CURVE also its ZAP handler. What was made
 * before an error is in *pub and *zap for the caller to close. */
int bus_end_bind(const struct bus_end *e, void **pub, struct zap **zap, char *err, size_t errlen);

/* bus_end_sub: makes a SUB socket for a producer, given by name or endpoint; endpoint gets its
 * address. It is not
 * connected: who watches its connections must be there before the first. 0 or -errno, then nothing
 * is left open. */
int bus_end_sub(const struct bus_end *e, const char *producer, const char *topic, void **sub,
		char endpoint[BUS_MAX_ENDPOINT], char *err, size_t errlen);

#endif
