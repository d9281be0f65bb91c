/*
 * json_read: JSON from outside, bounded in depth and size (json-c parses).
 */
#ifndef CLOUD_JSON_READ_H
#define CLOUD_JSON_READ_H

#include <json.h>
#include <stdbool.h>

#include "proto/buf.h"

/* json_read: the value of the text, which the caller releases with json_object_put. NULL when the
 * text is not JSON, is nested deeper than depth, or has more than max bytes. */
struct json_object *json_read(struct bytes text, int depth, size_t max);

/* json_get: member key of o if it has that type; else NULL, also when o is not an object. */
struct json_object *json_get(struct json_object *o, const char *key, enum json_type type);

/* json_bytes: the string member key of o, borrowed from it; p NULL when there is none. */
struct bytes json_bytes(struct json_object *o, const char *key);

#endif
