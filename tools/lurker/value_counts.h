/*
 * value_counts: how often each value of a field occurs, with bounded memory.
 */
#ifndef LURKER_VALUE_COUNTS_H
#define LURKER_VALUE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct value_counts;
struct json_object;

#define VALUE_COUNTS_MAX 1000000

/* value_counts_field_known: whether records can have a field, given as a key or a path such as
 * http.user_agent. If not, err lists the fields that there are. */
bool value_counts_field_known(const char *field, char *err, size_t errlen);
/* value_counts_new: 0 or -ENOMEM. */
int value_counts_new(const char *field, struct value_counts **out);
void value_counts_free(struct value_counts **c);
/* value_counts_add: counts the field's value in a record; a record without the field counts as
 * null. After VALUE_COUNTS_MAX distinct values, further ones are counted together. 0 or -ENOMEM. */
int value_counts_add(struct value_counts *c, struct json_object *record);
/* value_counts_print: the most frequent values first, equally frequent ones in the order of their
 * text, as a table or as JSON lines. The table says what it leaves out; for JSON lines, notes
 * does. */
void value_counts_print(struct value_counts *c, FILE *out, FILE *notes, int64_t limit, bool json);

#endif
