/*
 * count: how often each value of a field occurs, with bounded memory.
 */
#ifndef LURKER_COUNT_H
#define LURKER_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct count;
struct json_object;

/* count_known: whether records can have a field: a key, or a path such as http.user_agent. If not,
 * err says which there are. */
bool count_known(const char *field, char *err, size_t errlen);
int count_new(const char *field, struct count **out);
void count_free(struct count **c);
/* count_add: counts the field's value in a record; a record without it counts as null. 0 or
 * -ENOMEM. Beyond COUNT_VALUES_MAX distinct values new ones are counted together. */
#define COUNT_VALUES_MAX 1000000
int count_add(struct count *c, struct json_object *record);
/* count_print: the most frequent first, equal ones by value: a table, or a JSON line for each. What
 * is left out is said in the table, or to notes. */
void count_print(struct count *c, FILE *out, FILE *notes, int64_t limit, bool json);

#endif
