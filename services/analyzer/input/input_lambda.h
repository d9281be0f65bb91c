/*
 * input_lambda: lurker-analyzer as the custom runtime of a Lambda function: an invocation's objects
 * in, their records out.
 */
#ifndef ANALYZER_INPUT_LAMBDA_H
#define ANALYZER_INPUT_LAMBDA_H

#include "rt/svc.h"

struct conf;

/* System calls beyond the runtime's. */
extern const char *const input_lambda_calls[];

/* input_lambda_run: runs until SIGTERM, or until the runtime API fails. Returns the exit code. */
int input_lambda_run(struct svc *s, const struct conf *c);

#endif
