/*
 * svc_stat: publishes a service's counters and gauges as the topic `stat`.
 */
#ifndef RT_SVC_STAT_H
#define RT_SVC_STAT_H

#include "rt/svc.h"

void svc_stat(struct svc *s);

#endif
