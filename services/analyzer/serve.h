/*
 * serve: lurker-analyzer as a service: works off its queue of sealed capture files.
 */
#ifndef ANALYZER_SERVE_H
#define ANALYZER_SERVE_H

#include "rt/svc.h"

extern const struct metric serve_metrics[];
extern const size_t serve_nmetrics;
extern uint64_t serve_values[];

int serve_start(struct svc *s);
void serve_tick(struct svc *s);
void serve_drain(struct svc *s);

#endif
