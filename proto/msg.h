/*
 * msg: the messages of the bus as C structs, made from messages.def.
 *
 * Ownership: a decoded struct borrows from the encoded bytes and from the arena it was decoded
 * into. A struct to be encoded borrows everything it points to.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct msg_strs {
	const struct bytes *v;
	size_t n;
};
struct msg_u64s {
	const uint64_t *v;
	size_t n;
};
struct msg_count {
	struct bytes name;
	uint64_t count;
};
struct msg_counts {
	const struct msg_count *v;
	size_t n;
};

#define MSG_CTYPE_U64    uint64_t
#define MSG_CTYPE_I64    int64_t
#define MSG_CTYPE_F64    double
#define MSG_CTYPE_BOOL   bool
#define MSG_CTYPE_STR    struct bytes
#define MSG_CTYPE_BIN    struct bytes
#define MSG_CTYPE_TIME   uint64_t
#define MSG_CTYPE_STRS   struct msg_strs
#define MSG_CTYPE_U64S   struct msg_u64s
#define MSG_CTYPE_COUNTS struct msg_counts

/* clang-format off */
#define MSG(name, coding, producer, topic, doc)  struct msg_##name {
#define F(kind, name, need, unit, doc)           MSG_CTYPE_##kind name;
#define PART(message, name, need, unit, doc)     const struct msg_##message *name;
#define PARTS(message, name, need, unit, doc)    struct { const struct msg_##message *v; size_t n; } name;
#define END(name)                                };
#include "messages.def"
#undef MSG
#undef F
#undef PART
#undef PARTS
#undef END
/* clang-format on */

#endif
