/*
 * expo: the counters of every service in the text format that Prometheus reads (version 0.0.4).
 *
 * What exists, and what it means, is declared by the services themselves: the lines of
 * `lurker-SERVICE --help-metrics`. A counter or drop `n` of the service `s` is lurker_s_n_total, a
 * gauge lurker_s_n; what every service has (up, restarts, memory, …) is lurker_… with the label
 * service. A value that nobody declared is counted and not shown.
 */
#ifndef LURKER_EXPO_H
#define LURKER_EXPO_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"
#include "proto/msg.h"
#include "rt/bus.h"
#include "rt/metric.h"

#define EXPO_SERVICES 16
#define EXPO_METRICS  256 /* of one service: as many as a stat message has */
#define EXPO_QUEUES   8

struct expo;

/* What is known of the disk under the state directory. */
struct expo_queue {
	char name[32];
	uint64_t age_s; /* of its oldest entry; 0: empty */
};
struct expo_disk {
	bool known;
	uint64_t size_bytes, free_bytes, free_inodes;
	struct expo_queue queue[EXPO_QUEUES];
	size_t n;
};

/* sensor (borrowed): what services that were not heard yet are labelled with. silent_ns: a service
 * not heard for so long is down. NULL when out of memory. */
struct expo *expo_new(const char *sensor, uint64_t silent_ns);
void expo_free(struct expo **e);

/* expo_expect: a service that should run: it is shown as down until it is heard. One that is only
 * declared is not shown until it is heard, and from then on. 0 or -ENOSPC. */
int expo_expect(struct expo *e, const char *service);
/* expo_declare: one line of --help-metrics of that service, a metric of which no value is known
 * yet. 0, -EINVAL for what is no such line, -ENOSPC. */
int expo_declare(struct expo *e, const char *service, const char *line);

void expo_stat(struct expo *e, const struct bus_msg *m, const struct msg_stat *st);
void expo_disk(struct expo *e, const struct expo_disk *disk);
size_t expo_heard(const struct expo *e); /* services that were heard at all */

/* expo_write: appends the text to out. now_ns: CLOCK_REALTIME. 0 or what buf_add says. */
int expo_write(const struct expo *e, uint64_t now_ns, struct buf *out);

#endif
