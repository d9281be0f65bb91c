/*
 * event: the objects that a message says were stored, however it is wrapped. Pure.
 *
 *   S3                  {"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":B},"object":{"key":K}}}]}
 *   S3's first message  {"Event":"s3:TestEvent",…}
 *   through SNS         {"Type":"Notification","Message":TEXT}, TEXT being one of these; with raw delivery TEXT itself
 *   SNS to Lambda       {"Records":[{"Sns":{"Message":TEXT}}]}
 *   SQS to Lambda       {"Records":[{"eventSource":"aws:sqs","messageId":ID,"body":TEXT}]}
 *
 * (Amazon S3 User Guide, Event message structure; Amazon SNS and AWS Lambda Developer Guides.) Keys
 * come encoded as in a form: `+` for a space, %XX.
 */
#ifndef ANALYZER_AWS_EVENT_H
#define ANALYZER_AWS_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

#define EVENT_BUCKET_MAX 64
#define EVENT_KEY_MAX    1025 /* S3's limit is 1,024 bytes */
/* Of one message; S3 itself sends one. */
#define EVENT_OBJECTS_MAX 256
/* A message of SQS has at most 1 MiB. */
#define EVENT_BYTES_MAX (1u << 20)

struct event_object {
	char bucket[EVENT_BUCKET_MAX], key[EVENT_KEY_MAX];
};

struct event {
	struct event_object *v;
	size_t n;
	unsigned tests;  /* s3:TestEvent */
	unsigned others; /* about S3, but not that an object was stored */
	char why[96];    /* with -EBADMSG */
};

/* event_read: 0; -EBADMSG: it is none of the above, or names something that cannot be an object
 * (why says which, in one line); -ENOMEM. Call event_fini in every case. */
int event_read(struct bytes text, struct event *out);
void event_fini(struct event *e);

/* What Lambda is invoked with. */
#define LAMBDA_ITEMS_MAX 10000
#define LAMBDA_ID_MAX    128

struct lambda_item {
	char id[LAMBDA_ID_MAX]; /* of the SQS message; empty otherwise */
	unsigned receives;      /* how often SQS delivered it; 0: not said */
	int rc;                 /* of event_read */
	bool failed;            /* by its reader */
	struct event event;
};

struct lambda_event {
	bool sqs; /* the response names the messages that failed */
	struct lambda_item *v;
	size_t n;
	char why[96];
};

/* lambda_event_read: each SQS message is an item; an event of S3 or SNS is one item. Results as
 * event_read, where a bad message of several only marks its item. To be ended with
 * lambda_event_fini in every case. */
int lambda_event_read(struct bytes text, struct lambda_event *out);
void lambda_event_fini(struct lambda_event *e);

/* lambda_response: appends the response: of SQS the messages that failed, which stay in the queue
 * (partial batch response). 0 or -errno of out. */
int lambda_response(struct buf *out, const struct lambda_event *e);

#endif
