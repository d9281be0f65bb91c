/*
 * sqs_text: requests to SQS and its responses, in its JSON protocol. Pure.
 *
 * SQS speaks two: the older query protocol (forms, responses in XML) and, since November 2023, AWS
 * JSON 1.0, which AWS recommends and its SDKs use: shorter, and message bodies come as JSON
 * strings, not as XML text. Every region has it. (Amazon SQS Developer Guide, "AWS JSON protocol";
 * API reference.)
 */
#ifndef ANALYZER_AWS_SQS_TEXT_H
#define ANALYZER_AWS_SQS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

#define SQS_CONTENT_TYPE "Content-Type: application/x-amz-json-1.0"
/* Messages of one request, either way. */
#define SQS_BATCH 10
/* The longest wait of a ReceiveMessage. */
#define SQS_WAIT_S 20
/* A message becomes visible again this long after it was received, whatever is asked for. */
#define SQS_HELD_MAX_S 43200

/* Bytes of a response: ten messages of 1 MiB in which every character has an escape. */
#define SQS_RESPONSE_MAX (24u << 20)
#define SQS_HANDLE_MAX   2048
#define SQS_ID_MAX       128

/* sqs_queue: the endpoint ("https://host[:port]/") and the region in a queue's URL; region is empty
 * where the host does not say it. 0 or -EINVAL. */
int sqs_queue(const char *url, char endpoint[256], char region[32]);

/* Requests: appended to out. 0 or -errno of out. */
int sqs_receive(struct buf *out, const char *url, unsigned max, unsigned visibility_s);
/* sqs_batch: DeleteMessageBatch; with visibility_s not NULL ChangeMessageVisibilityBatch. Entry i
 * has the id "i". */
int sqs_batch(struct buf *out, const char *url, const char *const *handles,
	      const unsigned *visibility_s, size_t n);

/* A message received; borrowed, valid during the call. Id and handle are printable, of at most
 * SQS_ID_MAX - 1 and SQS_HANDLE_MAX - 1 bytes. */
struct sqs_message {
	struct bytes id, handle, body;
	unsigned receives; /* how often it was received, this time included; 0: not said */
};
typedef void (*sqs_message_fn)(void *arg, const struct sqs_message *m);

/* sqs_received: calls fn for each message of a ReceiveMessage's response, at most max. The
 * number of messages that could not be used, or -EBADMSG: it is no such response. */
int sqs_received(struct bytes response, size_t max, sqs_message_fn fn, void *arg);

/* sqs_failed: calls fn for each entry that the response to a batch says failed; i is its number,
 * gone: another attempt is pointless. 0 or -EBADMSG. */
typedef void (*sqs_failed_fn)(void *arg, size_t i, bool gone, struct bytes code);
int sqs_failed(struct bytes response, size_t n, sqs_failed_fn fn, void *arg);

#endif
