/*
 * lambda_out: where the Lambda function's records go: lines on standard output, which Lambda hands
 * to CloudWatch Logs, or events of a log group, with the times of the flows.
 */
#ifndef ANALYZER_AWS_LAMBDA_OUT_H
#define ANALYZER_AWS_LAMBDA_OUT_H

#include <stdbool.h>

#include "aws/cloud_conf.h"
#include "cloud/logs.h"

struct lambda_out;

struct lambda_out_conf {
	struct loop *loop;
	struct cloud *cloud;
	/* group NULL or empty: standard output. Borrowed. */
	const char *group, *stream, *endpoint;
	size_t limit; /* bytes of records that wait at most */
	/* All that was put is out. Called during lambda_out_send or later. */
	void (*drained)(void *arg);
	void *arg;
};

int lambda_out_new(const struct lambda_out_conf *conf, struct lambda_out **out); /* 0 or -errno */
void lambda_out_free(struct lambda_out **o);

/* lambda_out_put: a record's line of JSON, to go out at the next lambda_out_send. 0 or -errno. */
int lambda_out_put(struct lambda_out *o, struct bytes line, int64_t init_s);
/* lambda_out_back: takes back the last n that were put since the last lambda_out_send. */
void lambda_out_back(struct lambda_out *o, size_t n);
size_t lambda_out_waiting(const struct lambda_out *o); /* records */
size_t lambda_out_bytes(const struct lambda_out *o);   /* of the records that wait */
/* lambda_out_send: sends what was put, retrying what can pass. 0 or -errno: standard output is
 * closed. */
int lambda_out_send(struct lambda_out *o);
/* lambda_out_drop: forgets the records that are not out yet; returns their number. */
size_t lambda_out_drop(struct lambda_out *o);

#endif
