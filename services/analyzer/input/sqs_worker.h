/*
 * sqs_worker: what the two halves of a worker of an SQS queue share: input_sqs.c receives messages,
 * reads their objects and deletes them; sqs_visibility.c keeps them invisible to other workers
 * meanwhile.
 */
#ifndef ANALYZER_SQS_WORKER_H
#define ANALYZER_SQS_WORKER_H

#include "aws/inflight.h"
#include "aws/sqs.h"
#include "base/clock.h"
#include "cloud/retry.h"
#include "conf.h"
#include "input/input_object.h"
#include "work/serve.h"

struct input_sqs;

/* What a fetch is for. */
struct sqs_fetch {
	struct input_sqs *w;
	struct inflight_message *m;
};

struct input_sqs {
	struct serve *serve;
	struct sqs_fetch *fetches; /* one for each message in progress */
	struct cloud cloud;
	struct sqs *sqs;
	struct inflight inflight;
	struct retry s3, queue, deletion, visibility;
	uint64_t good_ns; /* when an object was got last */
	bool getting, draining, flush_planned;
	bool deleting, keeping;
	struct attempts get, delete;
	unsigned flush_attempts;
	uint64_t kept_ns; /* when the request under way was made */
	struct inflight_batch deleted, kept;
	unsigned seconds[SQS_BATCH]; /* of visibility */
};

static inline uint64_t sqs_visible_ns(const struct input_sqs *w)
{
	return (uint64_t)w->serve->conf->sqs_visibility_s * NS_PER_S;
}

/* input_sqs_failed: an attempt at `what` failed; a gets the time of the next one. */
void input_sqs_failed(struct retry *r, const char *what, struct attempts *a, enum outcome outcome,
		      const char *why, uint64_t wait_ns);

/* sqs_visibility_keep: a timer's: messages in progress stay invisible, those that cannot are
 * dropped. arg is the struct input_sqs. */
void sqs_visibility_keep(void *arg);
/* sqs_visibility_give_back: messages that are not done become visible to other workers at once. */
void sqs_visibility_give_back(struct input_sqs *w);

#endif
