/*
 * svc_stat: publishes a service's counters and gauges as the topic `stat`, and leaves them on disk.
 */
#ifndef RT_SVC_STAT_H
#define RT_SVC_STAT_H

#include "rt/svc.h"

/* final: the last time in this run. */
void svc_stat(struct svc *s, bool final);

#endif
