/*
 * lambda_run: what the two halves of a Lambda function share. input_lambda.c handles one
 * invocation; lambda_api.c speaks to the runtime API, which delivers invocations and accepts
 * responses.
 */
#ifndef ANALYZER_LAMBDA_RUN_H
#define ANALYZER_LAMBDA_RUN_H

#include "aws/lambda_out.h"
#include "base/clock.h"
#include "cloud/http_client.h"
#include "cloud/retry.h"
#include "conf.h"
#include "input/input_object.h"
#include "work/worker.h"

/* Objects at once. */
#define LAMBDA_FETCHES 8

struct input_lambda;

/* An object that is being fetched, or waits for its next attempt. */
struct lambda_fetch {
	struct input_lambda *la;
	bool used, out;
	bool stale; /* its invocation is over */
	size_t item, object;
	struct attempts attempts;
};

struct input_lambda {
	const struct conf *conf;
	struct svc *svc;
	struct loop *loop;
	struct cloud cloud;
	struct worker worker;
	struct lambda_out *out;
	int code; /* exit code */
	unsigned next_attempts;
	char api[256];
	struct buf body; /* of a request to the API */
	struct buf line; /* a record as JSON */
	/* The invocation. */
	bool busy, answering;
	char id[128];
	uint64_t begin_ns, until_ns; /* CLOCK_MONOTONIC */
	struct lambda_event event;
	size_t item, object; /* the next to be begun */
	struct lambda_fetch fetch[LAMBDA_FETCHES];
	struct retry retry; /* nobody is told: Lambda has alarms for functions that fail */
	uint64_t objects, records;
};

/* lambda_api.c */

/* lambda_next: asks for an invocation; arg is the struct input_lambda. */
void lambda_next(void *arg);
/* lambda_tell: sends la->body to `what` below the API's URL. */
void lambda_tell(struct input_lambda *la, const char *what, http_fn done);
/* lambda_on_told: the http_fn of a response to an invocation: the next one is asked for. */
void lambda_on_told(void *arg, const struct http_response *a);
/* lambda_on_init_error: the http_fn of an error before the first invocation. */
void lambda_on_init_error(void *arg, const struct http_response *a);
/* lambda_error_body: makes la->body the JSON of an error. */
void lambda_error_body(struct input_lambda *la, const char *type, const char *message);
/* lambda_stop: ends the program with this exit code. */
void lambda_stop(struct input_lambda *la, int code);

/* input_lambda.c */

/* lambda_begin: begins the invocation that the API's response names. */
void lambda_begin(struct input_lambda *la, const struct http_response *a);

#endif
