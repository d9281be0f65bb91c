/*
 * sample: filled messages of any schema, the same ones each time.
 */
#ifndef PROTO_GEN_SAMPLE_H
#define PROTO_GEN_SAMPLE_H

#include "proto/codec.h"

enum sample_level {
	SAMPLE_LEAST, /* required fields only: zero or empty */
	SAMPLE_SOME,  /* every field: small, distinct values */
	SAMPLE_MOST,  /* every field: the extremes of its kind and of its encodings */
};
#define SAMPLE_LEVELS 3

extern const char *const sample_names[SAMPLE_LEVELS];

/* sample_make: a message of the schema. Its memory is kept until sample_free. */
const void *sample_make(const struct msg_schema *s, enum sample_level level);
void sample_free(void);

#endif
