#include "files/record_diff.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ID_BYTES 16

struct entry {
	uint8_t id[ID_BYTES];
	uint64_t offset; /* of the line, uncompressed */
	bool met;
};

struct record_diff {
	gzFile file;
	struct entry *entry; /* sorted by id */
	size_t n, cap;
	uint64_t found, matched;
	char *line;
	size_t line_cap;
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_id(const char *hex, uint8_t out[ID_BYTES])
{
	for (size_t i = 0; i < ID_BYTES; i++) {
		int hi = digit(hex[2 * i]), lo = hi < 0 ? -1 : digit(hex[2 * i + 1]);
		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* read_line: 1, 0 at the end, or -errno. The newline is taken off. */
static int read_line(struct record_diff *d)
{
	size_t n = 0;

	for (;;) {
		if (d->line_cap - n < 2) {
			size_t cap = d->line_cap ? d->line_cap * 2 : 1u << 16;
			char *grown = realloc(d->line, cap);
			if (!grown)
				return -ENOMEM;
			d->line = grown;
			d->line_cap = cap;
		}
		int room = d->line_cap - n > 1u << 30 ? 1 << 30 : (int)(d->line_cap - n);
		if (!gzgets(d->file, d->line + n, room)) {
			int err;
			gzerror(d->file, &err);
			return err < 0 ? (err == Z_ERRNO ? -errno : -EBADMSG) : n > 0;
		}
		n += strlen(d->line + n);
		if (n && d->line[n - 1] == '\n') {
			d->line[n - 1] = 0;
			return 1;
		}
	}
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id, ID_BYTES);
}

static int by_id_and_place(const void *a, const void *b)
{
	uint64_t left = ((const struct entry *)a)->offset,
		 right = ((const struct entry *)b)->offset;
	int c = by_id(a, b);

	return c ? c : left < right ? -1 : left > right;
}

/* index_entries: in order, each id once: a service that was killed may have written a record twice.
 * The first one counts. */
static void index_entries(struct record_diff *d)
{
	size_t n = 0;

	if (d->n)
		qsort(d->entry, d->n, sizeof *d->entry, by_id_and_place);
	for (size_t i = 0; i < d->n; i++)
		if (!n || by_id(&d->entry[n - 1], &d->entry[i]) != 0)
			d->entry[n++] = d->entry[i];
	d->n = n;
}

static int add(struct record_diff *d, uint64_t offset)
{
	/* The key as our own writer puts it; strings cannot hold it, their quotes are escaped. */
	const char *at = strstr(d->line, "\"flow_id\":\"");
	struct entry e = {.offset = offset};

	if (!at || !parse_id(at + 11, e.id))
		return -EBADMSG;
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 1024;
		struct entry *grown = realloc(d->entry, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		d->entry = grown;
		d->cap = cap;
	}
	d->entry[d->n++] = e;
	return 0;
}

int record_diff_new(const char *path, struct record_diff **out, uint64_t *line)
{
	struct record_diff *d = calloc(1, sizeof *d);
	int rc = 0;

	*out = NULL;
	*line = 0;
	if (!d)
		return -ENOMEM;
	errno = ENOMEM;
	d->file = gzopen(path, "rb");
	if (!d->file) {
		rc = -errno;
		free(d);
		return rc;
	}
	gzbuffer(d->file, 1u << 18);
	for (;;) {
		z_off_t at = gztell(d->file);
		rc = read_line(d);
		if (rc <= 0)
			break;
		++*line;
		rc = *d->line ? add(d, (uint64_t)at) : 0;
		if (rc)
			break;
	}
	if (rc) {
		record_diff_free(&d);
		return rc;
	}
	index_entries(d);
	*out = d;
	return 0;
}

void record_diff_free(struct record_diff **d)
{
	if (!*d)
		return;
	if ((*d)->file)
		gzclose((*d)->file);
	free((*d)->entry);
	free((*d)->line);
	free(*d);
	*d = NULL;
}

static bool ignored(const char *key)
{
	static const char *const keys[] = {"first_seen", "two_phase", "s3path"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void changed(struct json_object *to, const char *key, struct json_object *was,
		    struct json_object *is)
{
	struct json_object *pair = json_object_new_array();

	json_object_array_add(pair, json_object_get(was));
	json_object_array_add(pair, json_object_get(is));
	json_object_object_add(to, key, pair);
}

static int tell(struct record_diff *d, const char *id, const char *what, struct json_object *detail,
		FILE *out)
{
	struct json_object *line = json_object_new_object();

	d->found++;
	json_object_object_add(line, "flow_id", json_object_new_string(id));
	json_object_object_add(line, what, detail);
	int rc = fprintf(out, "%s\n",
			 json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN)) < 0
			 ? -EIO
			 : 0;
	json_object_put(line);
	return rc;
}

static int compare(struct record_diff *d, const char *id, struct json_object *was,
		   struct json_object *is, FILE *out)
{
	struct json_object *changes = json_object_new_object(), *other;

	struct json_object_iterator it = json_object_iter_begin(was),
				    end = json_object_iter_end(was);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		struct json_object *value = json_object_iter_peek_value(&it);
		if (ignored(key))
			continue;
		if (!json_object_object_get_ex(is, key, &other))
			changed(changes, key, value, NULL);
		else if (!json_object_equal(value, other))
			changed(changes, key, value, other);
	}
	end = json_object_iter_end(is);
	for (it = json_object_iter_begin(is); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		if (!ignored(key) && !json_object_object_get_ex(was, key, &other))
			changed(changes, key, NULL, json_object_iter_peek_value(&it));
	}
	if (json_object_object_length(changes))
		return tell(d, id, "changed", changes, out);
	json_object_put(changes);
	return 0;
}

int record_diff_record(struct record_diff *d, const char *json, FILE *out)
{
	struct json_object *is = json_tokener_parse(json), *was = NULL, *id_field;
	struct entry want = {0};
	int rc = -EBADMSG;

	if (!is || !json_object_object_get_ex(is, "flow_id", &id_field))
		goto out;
	const char *id = json_object_get_string(id_field);
	if (strlen(id) != (size_t)2 * ID_BYTES || !parse_id(id, want.id))
		goto out;
	struct entry *e = bsearch(&want, d->entry, d->n, sizeof *e, by_id);
	if (!e) {
		rc = tell(d, id, "only", json_object_new_string("new"), out);
		goto out;
	}
	d->matched += !e->met;
	e->met = true;
	/* Both readings are in the same order mostly: this seeks forward. */
	if (gztell(d->file) != (z_off_t)e->offset &&
	    gzseek(d->file, (z_off_t)e->offset, SEEK_SET) < 0)
		goto out;
	rc = read_line(d);
	if (rc <= 0) {
		rc = rc ? rc : -EBADMSG;
		goto out;
	}
	was = json_tokener_parse(d->line);
	rc = was ? compare(d, id, was, is, out) : -EBADMSG;
out:
	json_object_put(is);
	json_object_put(was);
	return rc;
}

int record_diff_rest(struct record_diff *d, FILE *out)
{
	static const char hex[] = "0123456789abcdef";
	int rc = 0;

	for (size_t i = 0; i < d->n && !rc; i++) {
		char id[2 * ID_BYTES + 1] = "";
		if (d->entry[i].met)
			continue;
		for (size_t k = 0; k < ID_BYTES; k++) {
			id[2 * k] = hex[d->entry[i].id[k] >> 4];
			id[2 * k + 1] = hex[d->entry[i].id[k] & 15];
		}
		rc = tell(d, id, "only", json_object_new_string("old"), out);
	}
	return rc;
}

uint64_t record_diff_found(const struct record_diff *d)
{
	return d->found;
}

bool record_diff_is_of_others(const struct record_diff *d)
{
	return d->n && d->found > d->n && !d->matched;
}
