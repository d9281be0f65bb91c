/*
 * field: access to the members of a message through the rows of its table. For the codecs of this
 * folder.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include "proto/codec.h"

/* Most fields a message may have; schema.c checks it, and msg_decode keeps a mark for each. */
#define MSG_MAX_FIELDS 128

/* The layout that msg_strs, msg_u64s, msg_counts and the lists of parts share. */
struct field_list {
	const void *v;
	size_t n;
};

static inline const void *field_at(const struct msg_field *f, const void *msg)
{
	return (const char *)msg + f->offset;
}

/* field_present: whether the field is written: required, or neither zero nor empty nor absent. */
bool field_present(const struct msg_field *f, const void *msg);

#endif
