/*
 * sqs: the three requests that a worker makes of its queue. Each ends in its callback, during the
 * call or later; one of each kind is in progress at a time.
 */
#ifndef ANALYZER_AWS_SQS_H
#define ANALYZER_AWS_SQS_H

#include "aws/sqs_text.h"
#include "cloud/response.h"

struct http;
struct creds_chain;
struct sqs;

/* Borrowed. */
struct sqs_conf {
	struct http *http;
	struct creds_chain *creds;
	const char *url, *region; /* region: where the URL does not say it */
};

/* How a request ended. */
struct sqs_end {
	enum outcome result;
	const char *why;   /* NULL with OUTCOME_OK */
	uint64_t wait_ns;  /* the least time until the next one, or 0 */
	unsigned unusable; /* received: messages without id, handle or body */
	unsigned failed;   /* of a batch: bits of the entries that failed */
	unsigned gone; /* of a batch: bits of the entries for which another attempt is pointless */
};
typedef void (*sqs_end_fn)(void *arg, const struct sqs_end *end);

int sqs_new(const struct sqs_conf *conf, struct sqs **out); /* 0 or -errno */
/* sqs_free: after http. */
void sqs_free(struct sqs **s);

/* sqs_get: a long poll for at most max messages, each of which goes to take before done. */
void sqs_get(struct sqs *s, unsigned max, unsigned visibility_s, sqs_message_fn take,
	     sqs_end_fn done, void *arg);
/* sqs_stop_get: ends the long poll under way, without its callbacks. */
void sqs_stop_get(struct sqs *s);
void sqs_delete(struct sqs *s, const char *const *handles, size_t n, sqs_end_fn done, void *arg);
void sqs_keep(struct sqs *s, const char *const *handles, const unsigned *visibility_s, size_t n,
	      sqs_end_fn done, void *arg);

#endif
