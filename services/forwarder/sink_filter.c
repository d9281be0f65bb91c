#include "sink_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *text, struct sink_filter_term *t)
{
	static const struct {
		const char *text;
		enum sink_filter_op op;
	} ops[] = {{"!=", SINK_FILTER_NE}, {"<=", SINK_FILTER_LE}, {">=", SINK_FILTER_GE},
		   {"=", SINK_FILTER_EQ},  {"<", SINK_FILTER_LT},  {">", SINK_FILTER_GT}};
	size_t key = strcspn(text, "!<>="), i = 0;
	if (key == 0 || key >= sizeof t->key)
		return false;
	memcpy(t->key, text, key);
	t->key[key] = '\0';
	while (i < 6 && strncmp(text + key, ops[i].text, strlen(ops[i].text)) != 0)
		i++;
	if (i == 6)
		return false;
	const char *value = text + key + strlen(ops[i].text);
	if (!*value || strlen(value) >= sizeof t->text)
		return false;
	t->op = ops[i].op;
	strcpy(t->text, value);
	char *end;
	t->n = strtod(value, &end);
	t->number = !*end;
	return t->number || t->op == SINK_FILTER_EQ || t->op == SINK_FILTER_NE;
}

int sink_filter_parse(const struct opt_list *terms, struct sink_filter *out, char *err,
		      size_t errlen)
{
	out->n = 0;
	for (size_t i = 0; i < terms->n; i++) {
		if (out->n == SINK_FILTER_TERMS) {
			snprintf(err, errlen, "more than %d terms", SINK_FILTER_TERMS);
			return -EINVAL;
		}
		if (!parse(terms->v[i], &out->terms[out->n++])) {
			snprintf(err, errlen,
				 "\"%.80s\": expected KEY, one of = != < <= > >=, and a value (a "
				 "number for < and >), such as payload_len>0",
				 terms->v[i]);
			return -EINVAL;
		}
	}
	return 0;
}

/* The value of a key; with dots, of one in an object. */
static struct json_object *find(struct json_object *o, const char *key)
{
	char part[64];
	while (o) {
		size_t n = strcspn(key, ".");
		memcpy(part, key, n);
		part[n] = '\0';
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, part, &o))
			return NULL;
		if (!key[n])
			return o;
		key += n + 1;
	}
	return NULL;
}

static bool compare(enum sink_filter_op op, double a, double b)
{
	switch (op) {
	case SINK_FILTER_EQ:
		return a == b;
	case SINK_FILTER_NE:
		return a != b;
	case SINK_FILTER_LT:
		return a < b;
	case SINK_FILTER_LE:
		return a <= b;
	case SINK_FILTER_GT:
		return a > b;
	case SINK_FILTER_GE:
		return a >= b;
	}
	return false;
}

static bool holds(const struct sink_filter_term *t, struct json_object *record)
{
	struct json_object *v = find(record, t->key);
	if (!v)
		return t->op == SINK_FILTER_NE;
	bool number =
		json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
	if (number && t->number)
		return compare(t->op, json_object_get_double(v), t->n);
	bool same = strcmp(json_object_get_string(v), t->text) == 0;
	return t->op == SINK_FILTER_EQ ? same : t->op == SINK_FILTER_NE ? !same : false;
}

bool sink_filter_match(const struct sink_filter *f, struct json_object *record)
{
	for (size_t i = 0; i < f->n; i++)
		if (!holds(&f->terms[i], record))
			return false;
	return true;
}
