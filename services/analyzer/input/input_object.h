/*
 * input_object: an S3 object as the source of records, for the inputs that read from a bucket.
 */
#ifndef ANALYZER_INPUT_OBJECT_H
#define ANALYZER_INPUT_OBJECT_H

#include "aws/fetch.h"
#include "work/worker.h"

struct input_object {
	char s3path[sizeof "s3:///" + EVENT_BUCKET_MAX + EVENT_KEY_MAX];
	struct record_source source; /* borrows from this struct, the event and what was fetched */
};

/* input_object_init: sensor is the name for objects whose metadata does not name one. */
void input_object_init(struct input_object *o, const struct event_object *named,
		       const struct fetch_got *got, const char *sensor);

#endif
