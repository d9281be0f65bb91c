/*
 * codec: messages to and from msgpack, and to JSON, driven by the tables of messages.def.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "proto/buf.h"
#include "proto/msg.h"

enum msg_kind {
	MSG_U64,
	MSG_I64,
	MSG_F64,
	MSG_BOOL,
	MSG_STR,
	MSG_BIN,
	MSG_TIME,
	MSG_STRS,
	MSG_U64S,
	MSG_COUNTS,
	MSG_PART,
	MSG_PARTS,
};

struct msg_field {
	const char *name;
	enum msg_kind kind;
	bool required;
	size_t offset;
	const struct msg_schema *part; /* of MSG_PART and MSG_PARTS */
	const char *unit, *doc;
	size_t name_n;   /* length of name */
	const char *key; /* "name": as it stands in JSON: an identifier of C, nothing to escape */
	/* Follows from the payload alone, whatever the flow (REQ_PAYLOAD, OPT_PAYLOAD): the
	 * analyzer's memo keeps its text for the next flow with that payload. */
	bool of_payload;
};

struct msg_schema {
	const char *name, *producer, *topic, *doc;
	bool row; /* positional array instead of a map */
	const struct msg_field *fields;
	size_t nfields;
	size_t size; /* of the struct */
};

/* One schema for each message: msg_packet_schema, msg_flow_schema, … */
#define MSG(name, coding, producer, topic, doc) extern const struct msg_schema msg_##name##_schema;
#define F(kind, name, need, unit, doc)
#define PART(message, name, need, unit, doc)
#define PARTS(message, name, need, unit, doc)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef PART
#undef PARTS
#undef END

/* All schemas, in the order of messages.def, NULL-terminated; and the one of a bus topic, or NULL.
 */
extern const struct msg_schema *const msg_schemas[];
const struct msg_schema *msg_schema_of(struct bytes topic);

/* msg_encode: appends the message as msgpack to out. 0, or -ENOMEM/-EFBIG from out. */
int msg_encode(const struct msg_schema *s, const void *msg, struct buf *out);

/* Memory for the lists and parts of one decoded message: a fixed block of the caller's, so that a
 * message cannot make us allocate. */
struct msg_arena {
	uint8_t *p;
	size_t n, used;
};

/* msg_decode: decodes one message from exactly the bytes in. msg is zeroed first. 0; -EBADMSG (not
 * msgpack, wrong type, missing REQ field, trailing bytes); -ENOBUFS when the arena is too small.
 * Declared counts are checked against the bytes at hand before any arena is used. Unknown keys are
 * skipped; of a repeated key the last wins. */
int msg_decode(const struct msg_schema *s, struct bytes in, void *msg, struct msg_arena *arena);

/* msg_json: appends the message as one JSON object (no newline). BIN becomes base64; rows become
 * objects. 0, or -ENOMEM/-EFBIG from out. */
int msg_json(const struct msg_schema *s, const void *msg, struct buf *out);

/* The rows [from, to) of a message as text, for messages that have them alike: each that is there
 * with a comma before it, so never the first row that is there. */
struct msg_piece {
	size_t from, to;
	struct bytes text;
};
/* msg_row: the number of the row whose member is at that offset of the struct. */
size_t msg_row(const struct msg_schema *s, size_t offset);
/* msg_json_rows: appends the text of such a piece. msg_json_pieces: as msg_json, but takes the rows
 * of the pieces, which are in the order of their rows, from there. Both: 0, or -ENOMEM/-EFBIG from
 * out. */
int msg_json_rows(const struct msg_schema *s, const void *msg, size_t from, size_t to,
		  struct buf *out);
int msg_json_pieces(const struct msg_schema *s, const void *msg, const struct msg_piece *pieces,
		    size_t npieces, struct buf *out);

#endif
