/*
 * record_diff: the differences between old and new records of the same captures.
 *
 * Records are matched by flow_id. Each difference is one JSON line: {"flow_id", "changed": {field:
 * [old, new]}}, {"flow_id", "only": "old"} or {"flow_id", "only": "new"}. Fields that depend on other
 * records (first_seen, two_phase) or on the file's place (s3path) are not compared.
 */
#ifndef ANALYZER_RECORD_DIFF_H
#define ANALYZER_RECORD_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct record_diff;

/* record_diff_new: indexes the records of a file of JSON lines, which may be gzip-compressed, in 32
 * bytes each. Among records of one flow_id, the first counts. 0 or -errno; -EBADMSG if a line is
 * not a record (*line is its number). */
int record_diff_new(const char *path, struct record_diff **out, uint64_t *line);
void record_diff_free(struct record_diff **d);

/* record_diff_record: compares one new record, given as JSON. 0 or -errno. */
int record_diff_record(struct record_diff *d, const char *json, FILE *out);
/* record_diff_rest: writes the old records that have no new one. 0 or -errno. */
int record_diff_rest(struct record_diff *d, FILE *out);
/* record_diff_found: the number of differences written so far. */
uint64_t record_diff_found(const struct record_diff *d);
/* record_diff_is_of_others: called after record_diff_rest: whether both sides have records and not
 * a single flow_id in common. */
bool record_diff_is_of_others(const struct record_diff *d);

#endif
