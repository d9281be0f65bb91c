/*
 * out: a record as a line of text.
 *
 * A line is made in two steps, because what history knows is known later, in order, and perhaps in
 * another process: out_record, then out_history.
 */
#ifndef ANALYZER_OUT_H
#define ANALYZER_OUT_H

#include "history.h"
#include "proto/buf.h"
#include "record.h"

enum out_format {
	OUT_JSON,
	OUT_TABLE,
	OUT_ECS, /* Elastic Common Schema 9 */
};

/* out_record: appends the line of r, without newline. Of a bare SYN's record the tool is left to
 * out_history. 0 or -errno. */
int out_record(enum out_format format, const struct record *r, bool bare, struct buf *out);
/* out_history: completes the line that is at the end of out, of which it looks at the last OUT_TAIL
 * bytes. bare as for out_record. 0 or -errno. */
#define OUT_TAIL 3
int out_history(enum out_format format, const struct history_out *h, bool bare, struct buf *out);

/* The head of a table. */
extern const char out_table_head[];

/* ecs_record: json is the record's own JSON. The object `lurker` comes last: the line ends with its
 * brace and the document's. */
int ecs_record(const char *json, struct buf *out);

#endif
