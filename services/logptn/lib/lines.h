/*
 * lines: from bytes to lines to records. A line ends in LF or CRLF; empty lines are skipped. A
 * record is a line and the lines that continue it (stack traces); only its first line is looked at,
 * and all of them are counted with it.
 */
#ifndef LOGPTN_LIB_LINES_H
#define LOGPTN_LIB_LINES_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum multiline {
	/* Parts of stack traces continue a record, and so do indented lines behind these or behind
	 * a line that begins with a time. */
	MULTILINE_AUTO,
	MULTILINE_NONE,
	MULTILINE_REGEX, /* a line continues unless the expression matches it */
};

struct lines_rule {
	enum multiline mode;
	regex_t start; /* MULTILINE_REGEX: POSIX extended */
};

/* lines_rule_set: "auto", "none" or an expression. 0, or -EINVAL for a bad expression (err says
 * why). */
int lines_rule_set(struct lines_rule *r, const char *text, char *err, size_t errlen);
void lines_rule_fini(struct lines_rule *r);

/* The record at hand. Starts as zeros. */
struct lines_record {
	bool any, continued;
	uint8_t head[4]; /* how its first line begins */
};

/* lines_continues: the line (no end) continues the record; else it starts one, which r then is. */
bool lines_continues(const struct lines_rule *rule, struct lines_record *r, const uint8_t *line,
		     size_t n);

/* lines_starts: the line starts a record, whatever was before it. */
bool lines_starts(const struct lines_rule *rule, const uint8_t *line, size_t n);

/* lines_next: the next line in p[*at..n), without its end, and moves *at behind it. False at the
 * end. A last line without LF counts. number (may be NULL) counts lines, empty ones too. */
bool lines_next(const uint8_t *p, size_t n, size_t *at, const uint8_t **line, size_t *len,
		uint64_t *number);

#endif
