/*
 * lambda: lurker-analyzer as the custom runtime of a Lambda function: an invocation's objects in,
 * their records out.
 */
#ifndef ANALYZER_LAMBDA_H
#define ANALYZER_LAMBDA_H

#include "rt/svc.h"

/* System calls beyond the runtime's. */
extern const char *const lambda_calls[];

/* lambda_run: until SIGTERM or until Lambda cannot be talked to. The exit code. */
int lambda_run(struct svc *s);

#endif
