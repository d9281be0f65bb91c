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
static inline bool field_present(const struct msg_field *f, const void *msg)
{
	if (f->required)
		return true;
	const void *at = field_at(f, msg);
	switch (f->kind) {
	case MSG_U64:
	case MSG_I64:
	case MSG_TIME:
		return *(const uint64_t *)at != 0;
	case MSG_F64:
		return *(const double *)at != 0;
	case MSG_BOOL:
		return *(const bool *)at;
	case MSG_STR:
	case MSG_BIN:
		return ((const struct bytes *)at)->n > 0;
	case MSG_PART:
		return *(const void *const *)at != NULL;
	case MSG_STRS:
	case MSG_U64S:
	case MSG_COUNTS:
	case MSG_PARTS:
		return ((const struct field_list *)at)->n > 0;
	}
	return false;
}

#endif
