/*
 * json_line: an object on a line of a record file, and its fields.
 */
#ifndef LURKER_JSON_LINE_H
#define LURKER_JSON_LINE_H

#include <stdint.h>

#include "proto/buf.h"

struct json_object;

/* json_line_parse: 0 with the object in *out (json_object_put it); -EBADMSG: the line is not one
 * whole object (torn by a power cut, for instance); -ENOMEM. White space may follow the object. */
int json_line_parse(struct bytes line, struct json_object **out);

/* json_line_text: a field as text, owned by the object; NULL where it is absent or null. */
const char *json_line_text(struct json_object *o, const char *name);
/* json_line_u64: a field as a number; 0 where it is absent. */
uint64_t json_line_u64(struct json_object *o, const char *name);

#endif
