#include "count.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "front.h"

struct row {
	const char *value; /* the key in the table */
	uint64_t n;
};

struct count {
	char *field;
	struct lh_table *table; /* value → struct row * */
	uint64_t others, total;
};

static void free_entry(struct lh_entry *e)
{
	free(lh_entry_k(e));
	free(lh_entry_v(e));
}

int count_new(const char *field, struct count **out)
{
	struct count *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->field = strdup(field);
	c->table = lh_kchar_table_new(64, free_entry);
	if (!c->field || !c->table) {
		count_free(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void count_free(struct count **cp)
{
	struct count *c = *cp;
	if (!c)
		return;
	if (c->table)
		lh_table_free(c->table);
	free(c->field);
	free(c);
	*cp = NULL;
}

/* Follows a dotted path. */
static const char *value_of(struct json_object *o, const char *path)
{
	char part[64];
	while (*path) {
		size_t n = strcspn(path, ".");
		if (n >= sizeof(part))
			return "-";
		memcpy(part, path, n);
		part[n] = '\0';
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, part, &o))
			return "-";
		path += n + (path[n] == '.');
	}
	return o ? json_object_get_string(o) : "null";
}

int count_add(struct count *c, struct json_object *record)
{
	const char *value = value_of(record, c->field);
	struct row *row;
	c->total++;
	if (lh_table_lookup_ex(c->table, value, (void **)&row)) {
		row->n++;
		return 0;
	}
	if (lh_table_length(c->table) >= COUNT_VALUES_MAX) {
		c->others++;
		return 0;
	}
	char *key = strdup(value);
	row = malloc(sizeof(*row));
	if (!key || !row) {
		free(key);
		free(row);
		return -ENOMEM;
	}
	*row = (struct row){key, 1};
	if (lh_table_insert(c->table, key, row) != 0) {
		free(key);
		free(row);
		return -ENOMEM;
	}
	return 0;
}

static int by_count(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->value, y->value);
}

static void print_json(const struct count *c, FILE *out, const struct row *row)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, c->field, json_object_new_string(row->value));
	json_object_object_add(o, "count", json_object_new_uint64(row->n));
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

void count_print(struct count *c, FILE *out, int64_t limit, bool json)
{
	size_t n = (size_t)lh_table_length(c->table), i = 0;
	struct row **rows = malloc((n + 1) * sizeof(struct row *));
	if (!rows)
		return;
	struct lh_entry *e;
	lh_foreach(c->table, e) rows[i++] = lh_entry_v(e);
	qsort(rows, n, sizeof(struct row *), by_count);
	if (!json)
		fprintf(out, "%10s  %6s  %s\n", "COUNT", "SHARE", c->field);
	for (i = 0; i < n && i < (size_t)limit; i++) {
		if (json) {
			print_json(c, out, rows[i]);
			continue;
		}
		char text[512];
		text_put(text, sizeof(text), bytes_str(rows[i]->value), 120);
		fprintf(out, "%10llu  %5.1f%%  %s\n", (unsigned long long)rows[i]->n,
			100.0 * (double)rows[i]->n / (double)c->total, text);
	}
	if (!json && n > (size_t)limit)
		fprintf(out, "%10s  %6s  %zu more values\n", "", "", n - (size_t)limit);
	if (!json && c->others)
		fprintf(out, "%10llu  %6s  further values, counted together\n",
			(unsigned long long)c->others, "");
	free(rows);
}
