/*
 * json_read: JSON from outside, bounded in depth and size (json-c parses).
 */
#ifndef CLOUD_JSON_READ_H
#define CLOUD_JSON_READ_H

#include <json.h>
#include <stdbool.h>

#include "proto/buf.h"

/* json_read: the value of the text, to be put with json_object_put; NULL when it is none, is nested
 * deeper than depth, or has more than max bytes. */
struct json_object *json_read(struct bytes text, int depth, size_t max);

/* json_get: member key of o, when it has that type; NULL otherwise, also when o is no object. */
struct json_object *json_get(struct json_object *o, const char *key, enum json_type type);

/* json_bytes: the string member key of o, borrowed from it; absent when there is none. */
struct bytes json_bytes(struct json_object *o, const char *key);

#endif
