/*
 * schema: the tables of messages.def.
 *
 * The rows of a message do not name it, so the offsets of its members cannot stand in the
 * initializer of its table: a constructor, made from the same rows, enters them before main.
 */
#include <assert.h>

#include "proto/field.h"

/* Bit 0: the row is required. Bit 1: it follows from the payload alone. */
#define OPT         0
#define REQ         1
#define OPT_PAYLOAD 2
#define REQ_PAYLOAD 3
#define MAP         false
#define ROW         true

/* clang-format off */
#define MSG(name, coding, producer, topic, doc) static struct msg_field name##_fields[] = {
#define F(kind, name, need, unit, doc)          {#name, MSG_##kind, (need) & 1, 0, NULL, unit, doc, sizeof(#name) - 1, "\"" #name "\":", (need) >> 1},
#define PART(message, name, need, unit, doc)    {#name, MSG_PART, (need) & 1, 0, &msg_##message##_schema, unit, doc, sizeof(#name) - 1, "\"" #name "\":", (need) >> 1},
#define PARTS(message, name, need, unit, doc)   {#name, MSG_PARTS, (need) & 1, 0, &msg_##message##_schema, unit, doc, sizeof(#name) - 1, "\"" #name "\":", (need) >> 1},
#define END(name)                               };
#include "messages.def"
#undef MSG
#undef F
#undef PART
#undef PARTS
#undef END

#define F(kind, name, need, unit, doc)
#define PART(message, name, need, unit, doc)
#define PARTS(message, name, need, unit, doc)
#define END(name)
#define MSG(msg, coding, made_by, on_topic, text)                                                  \
	const struct msg_schema msg_##msg##_schema = {                                             \
		.name = #msg, .producer = made_by, .topic = on_topic, .doc = text, .row = coding,  \
		.fields = msg##_fields, .nfields = sizeof(msg##_fields) / sizeof(msg##_fields[0]), \
		.size = sizeof(struct msg_##msg),                                                  \
	};                                                                                         \
	static_assert(sizeof(msg##_fields) / sizeof(msg##_fields[0]) <= MSG_MAX_FIELDS, "too many fields");
#include "messages.def"
#undef MSG

#define MSG(name, coding, producer, topic, doc) &msg_##name##_schema,
const struct msg_schema *const msg_schemas[] = {
#include "messages.def"
	NULL,
};
#undef MSG
#undef F
#undef PART
#undef PARTS
#undef END

#define MSG(name, coding, producer, topic, doc) { typedef struct msg_##name self; struct msg_field *f = name##_fields;
#define F(kind, name, need, unit, doc)          (f++)->offset = offsetof(self, name);
#define PART(message, name, need, unit, doc)    F(PART, name, need, unit, doc)
#define PARTS(message, name, need, unit, doc)   F(PARTS, name, need, unit, doc)
#define END(name)                               }
__attribute__((constructor)) static void enter_offsets(void)
{
#include "messages.def"
}
/* clang-format on */

const struct msg_schema *msg_schema_of(struct bytes topic)
{
	for (size_t i = 0; topic.n > 0 && msg_schemas[i]; i++) {
		if (bytes_eq(bytes_str(msg_schemas[i]->topic), topic))
			return msg_schemas[i];
	}
	return NULL;
}

size_t msg_row(const struct msg_schema *s, size_t offset)
{
	size_t i = 0;

	while (i < s->nfields && s->fields[i].offset < offset)
		i++;
	return i;
}
