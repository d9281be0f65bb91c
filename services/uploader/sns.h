/*
 * sns: the message that tells subscribers of a topic about a stored object. Pure.
 */
#ifndef UPLOADER_SNS_H
#define UPLOADER_SNS_H

#include <stdint.h>

#include "proto/buf.h"

struct sns_object {
	const char *bucket, *key; /* key with its prefix */
	const char *region;
	uint64_t bytes;
	uint64_t stored_s;
};

/* sns_event: appends the S3 event notification (version 2.1, ObjectCreated:Put) that S3 itself
 * would send, with the fields subscribers use. 0 or -errno of the buffer. */
int sns_event(struct buf *out, const struct sns_object *o);

/* sns_publish: appends the body of a Publish request for the topic with that event. 0 or -errno of
 * the buffer. */
int sns_publish(struct buf *out, const char *topic, const struct sns_object *o);

/* sns_region: the region in a topic's ARN, arn:aws:sns:REGION:ACCOUNT:NAME. 0 or -EINVAL. */
int sns_region(const char *topic, char out[32]);

#endif
