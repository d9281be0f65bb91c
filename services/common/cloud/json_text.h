/*
 * json_text: bytes as a JSON string.
 */
#ifndef CLOUD_JSON_TEXT_H
#define CLOUD_JSON_TEXT_H

#include "proto/buf.h"

/* json_text: appends text, which is UTF-8, in quotes. 0 or -errno of out. */
int json_text(struct buf *out, struct bytes text);

#endif
