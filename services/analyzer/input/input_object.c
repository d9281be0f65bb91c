#include "input/input_object.h"

#include <stdio.h>

#include "files/file_walk.h"

void input_object_init(struct input_object *o, const struct event_object *named,
		       const struct fetch_got *got, const char *sensor)
{
	snprintf(o->s3path, sizeof o->s3path, "s3://%s/%s", named->bucket, named->key);
	o->source = (struct record_source){.sensor = got->sensor[0] ? got->sensor : sensor,
					   .key = file_walk_key(named->key),
					   .s3path = o->s3path,
					   .observed = got->observed};
}
