/*
 * svc_stat: publishes a service's counters and gauges as the topic `stat`, and leaves them on disk.
 */
#ifndef RT_SVC_STAT_H
#define RT_SVC_STAT_H

#include "rt/svc.h"

/* What every service counts besides its own rows: its traffic on the bus. */
#define SVC_BUS_METRICS 5
extern const struct metric svc_bus_metrics[SVC_BUS_METRICS];

/* final: the last time in this run. */
void svc_stat(struct svc *s, bool final);

#endif
