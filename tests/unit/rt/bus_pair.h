/*
 * bus_pair: a publisher and a subscriber in a directory of their own, for tests of the bus.
 */
#ifndef TEST_BUS_PAIR_H
#define TEST_BUS_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "rt/bus.h"

extern char pair_dir[64], pair_err[512];
extern struct bus *pair_pub, *pair_sub;

/* pair_setup, pair_fini: of a test suite. */
void pair_setup(void);
void pair_fini(void);

struct bus_options pair_options(const char *producer);
void pair_open_pub(const char *producer);
void pair_open_sub(void);
/* pair_open_both: a publisher and a subscriber that keep few messages: hwm of them, and hwm_in (0:
 * hwm). */
void pair_open_both(const char *producer, int64_t hwm, int64_t hwm_in);

/* What a subscriber got. */
struct got {
	uint64_t n, missed, epochs, bytes;
	struct bus_msg last;
	char topic[64], sensor[64], producer[64], body[64];
};

void pair_on_msg(void *arg, const struct bus_msg *m);
void pair_subscribe(const char *producer, const char *topic, struct got *g);
/* pair_join: publishes until the subscription has reached the publisher. */
void pair_join(const char *topic, struct got *g);
/* pair_catch_up: publishes until a subscriber that was behind has seen message number seq, or a
 * later one. */
void pair_catch_up(const char *topic, struct got *g, uint64_t seq);
/* pair_comes_to: whether *is reaches want. */
bool pair_comes_to(const uint64_t *is, uint64_t want);

#endif
