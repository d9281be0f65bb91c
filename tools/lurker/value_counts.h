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

/* value_counts_field_known: whether records can have a field: a key, or a path such as http.user_agent. If not,
 * err says which there are. */
bool value_counts_field_known(const char *field, char *err, size_t errlen);
int value_counts_new(const char *field, struct value_counts **out);
void value_counts_free(struct value_counts **c);
/* value_counts_add: counts the field's value in a record; a record without it counts as null. 0 or
 * -ENOMEM. Beyond VALUE_COUNTS_MAX distinct values new ones are counted together. */
#define VALUE_COUNTS_MAX 1000000
int value_counts_add(struct value_counts *c, struct json_object *record);
/* value_counts_print: the most frequent first, equal ones by value: a table, or a JSON line for each. What
 * is left out is said in the table, or to notes. */
void value_counts_print(struct value_counts *c, FILE *out, FILE *notes, int64_t limit, bool json);

#endif
