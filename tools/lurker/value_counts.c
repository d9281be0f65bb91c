#include "value_counts.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"
#include "term.h"

struct row {
	const char *value; /* as JSON: the key in the table */
	uint64_t n;
};

struct value_counts {
	char *field;
	struct lh_table *table; /* value → struct row * */
	uint64_t others, total;
};

static void value_counts_free_entry(struct lh_entry *e)
{
	free(lh_entry_k(e));
	free(lh_entry_v(e));
}

int value_counts_new(const char *field, struct value_counts **out)
{
	struct value_counts *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->field = strdup(field);
	c->table = lh_kchar_table_new(64, value_counts_free_entry);
	if (!c->field || !c->table) {
		value_counts_free(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void value_counts_free(struct value_counts **cp)
{
	struct value_counts *c = *cp;
	if (!c)
		return;
	if (c->table)
		lh_table_free(c->table);
	free(c->field);
	free(c);
	*cp = NULL;
}

bool value_counts_field_known(const char *field, char *err, size_t errlen)
{
	const struct msg_schema *s = &msg_analysis_schema;
	for (const char *rest = field;;) {
		size_t n = strcspn(rest, "."), i = 0;
		while (i < s->nfields &&
		       (s->fields[i].name_n != n || memcmp(s->fields[i].name, rest, n) != 0))
			i++;
		if (i < s->nfields && !rest[n])
			return true;
		if (i < s->nfields && s->fields[i].kind == MSG_PART) {
			s = s->fields[i].part;
			rest += n + 1;
			continue;
		}
		struct buf there;
		buf_init(&there, errlen);
		for (i = 0; i < s->nfields; i++)
			buf_addf(&there, " %.*s%s", (int)(rest - field), field, s->fields[i].name);
		snprintf(err, errlen, "records have no field \"%.60s\"; there are%.*s", field,
			 (int)there.n, there.n ? (const char *)there.p : "");
		buf_fini(&there);
		return false;
	}
}

/* Follows a dotted path. NULL: null or absent. */
static struct json_object *value_counts_value_of(struct json_object *o, const char *path)
{
	char part[64];
	while (*path) {
		size_t n = strcspn(path, ".");
		if (n >= sizeof part)
			return NULL;
		memcpy(part, path, n);
		part[n] = '\0';
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, part, &o))
			return NULL;
		path += n + (path[n] == '.');
	}
	return o;
}

int value_counts_add(struct value_counts *c, struct json_object *record)
{
	const char *value = json_object_to_json_string_ext(value_counts_value_of(record, c->field),
							   JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE);
	struct row *row;
	c->total++;
	if (lh_table_lookup_ex(c->table, value, (void **)&row)) {
		row->n++;
		return 0;
	}
	if (lh_table_length(c->table) >= VALUE_COUNTS_MAX) {
		c->others++;
		return 0;
	}
	char *key = strdup(value);
	row = malloc(sizeof *row);
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

static int value_counts_by_count(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->value, y->value);
}

/* A value as people read it: text without quotation marks, null as "-". */
static void value_counts_print_text(FILE *out, const char *value)
{
	struct json_object *o = *value == '"' ? json_tokener_parse(value) : NULL;
	struct bytes text = bytes_str(strcmp(value, "null") == 0 ? "-" : value);
	char shown[512];
	if (o)
		text = bytes_of(json_object_get_string(o), (size_t)json_object_get_string_len(o));
	term_text(shown, sizeof shown, text, 120);
	json_object_put(o);
	fprintf(out, "%s\n", shown);
}

void value_counts_print(struct value_counts *c, FILE *out, FILE *notes, int64_t limit, bool json)
{
	size_t n = (size_t)lh_table_length(c->table), i = 0;
	struct row **rows = malloc((n + 1) * sizeof(struct row *));
	if (!rows)
		return;
	struct lh_entry *e;
	lh_foreach(c->table, e) rows[i++] = lh_entry_v(e);
	qsort(rows, n, sizeof(struct row *), value_counts_by_count);
	if (!json)
		fprintf(out, "%10s  %6s  %s\n", "COUNT", "SHARE", c->field);
	for (i = 0; i < n && i < (size_t)limit; i++) {
		if (json) { /* the field is a known one and needs no escaping */
			fprintf(out, "{\"%s\":%s,\"count\":%llu}\n", c->field, rows[i]->value,
				(unsigned long long)rows[i]->n);
			continue;
		}
		fprintf(out, "%10llu  %5.1f%%  ", (unsigned long long)rows[i]->n,
			100.0 * (double)rows[i]->n / (double)c->total);
		value_counts_print_text(out, rows[i]->value);
	}
	uint64_t rest = 0;
	for (; i < n; i++)
		rest += rows[i]->n;
	if (json && rest + c->others)
		fprintf(notes, "lurker query: --limit leaves out %llu of %llu records\n",
			(unsigned long long)(rest + c->others), (unsigned long long)c->total);
	if (!json && rest)
		fprintf(out, "%10llu  %6s  %zu more values\n", (unsigned long long)rest, "",
			n - (size_t)limit);
	if (!json && c->others)
		fprintf(out, "%10llu  %6s  further values, counted together\n",
			(unsigned long long)c->others, "");
	free(rows);
}
