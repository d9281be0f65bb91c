/*
 * record_text: a record as a line of text.
 *
 * A line is made in two steps: record_text, then record_text_history. History is applied later, in
 * the order of the records, and perhaps in another process.
 */
#ifndef ANALYZER_RECORD_TEXT_H
#define ANALYZER_RECORD_TEXT_H

#include "proto/buf.h"
#include "record/history.h"
#include "record/record.h"

enum record_format {
	RECORD_JSON,
	RECORD_TABLE,
	RECORD_ECS, /* Elastic Common Schema 9 */
};

/* record_text: appends the line of r, without a newline. The tool of a bare SYN is left to
 * record_text_history. 0 or -errno. */
int record_text(enum record_format format, const struct record *r, bool bare, struct buf *out);
/* record_text_history: completes the line at the end of out; it reads only the last
 * RECORD_TEXT_TAIL bytes. bare is as for record_text. 0 or -errno. */
#define RECORD_TEXT_TAIL 3
int record_text_history(enum record_format format, const struct history_out *h, bool bare,
			struct buf *out);

/* The head of a table. */
extern const char record_table_head[];

/* ecs_record: json is the record's own JSON. The object `lurker` comes last: the line ends with its
 * brace and the document's. */
int ecs_record(const char *json, struct buf *out);

#endif
