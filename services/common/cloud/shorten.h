/*
 * shorten: makes a record fit that is too large for a destination. Pure.
 */
#ifndef CLOUD_SHORTEN_H
#define CLOUD_SHORTEN_H

#include <json.h>

#include "proto/buf.h"

/* record_shorten: writes the record as JSON of at most max bytes to out: payload and readable are
 * cut to the same part of the flow's bytes, "forwarder" says so; if that is not enough, only the
 * record's first keys stay. 0 or -EFBIG. */
int record_shorten(struct json_object *record, size_t max, struct buf *out);
/* record_shorten_text: the same for a record's text. -EFBIG also when it is not a JSON value. */
int record_shorten_text(struct bytes text, size_t max, struct buf *out);

#endif
