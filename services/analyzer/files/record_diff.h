/*
 * record_diff: what a newer reading of the same captures says otherwise.
 *
 * Records are matched by flow_id. One JSON line a difference: {"flow_id", "changed": {field: [old,
 * new]}}, {"flow_id", "only": "old"} or {"flow_id", "only": "new"}. What depends on other records
 * (first_seen, two_phase) and on where the file lies (s3path) is not compared.
 */
#ifndef ANALYZER_RECORD_DIFF_H
#define ANALYZER_RECORD_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct record_diff;

/* record_diff_new: indexes the records of a file of JSON lines, also gzip-compressed; 32 bytes
 * each. Of records with the same flow_id the first one counts. 0 or -errno; -EBADMSG when a line is
 * no record (line says which). */
int record_diff_new(const char *path, struct record_diff **out, uint64_t *line);
void record_diff_free(struct record_diff **d);

/* record_diff_record: compares one new record, given as JSON. 0 or -errno. */
int record_diff_record(struct record_diff *d, const char *json, FILE *out);
/* record_diff_rest: tells the old records that were not met. 0 or -errno. */
int record_diff_rest(struct record_diff *d, FILE *out);
/* record_diff_found: differences told so far. */
uint64_t record_diff_found(const struct record_diff *d);
/* record_diff_is_of_others: after record_diff_rest: there are records on both sides, and none of
 * the one is on the other. */
bool record_diff_is_of_others(const struct record_diff *d);

#endif
