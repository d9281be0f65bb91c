/*
 * The configuration file: two levels of YAML, read as events so that every complaint has its line.
 * Anchors, aliases and tags are refused: a configuration does not need them, and aliases are how
 * small files become large ones.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "rt/opt_value.h"

#define FILE_MAX_BYTES (1u << 20)

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	const char *name;
	const struct opt_section *sections;
	size_t nsections;
	const char *const *known;
	char *err;
	size_t errlen;
};

static int complain(struct reader *r, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(struct reader *r, size_t line, const char *fmt, ...)
{
	char what[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	snprintf(r->err, r->errlen, "%s:%zu: %s", r->name, line + 1, what);
	return -EINVAL;
}

static int next(struct reader *r)
{
	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = false;
	if (!yaml_parser_parse(&r->parser, &r->event))
		return complain(r, r->parser.problem_mark.line, "not valid YAML: %s",
				r->parser.problem ? r->parser.problem : "unknown error");
	r->have_event = true;
	if (r->event.type == YAML_ALIAS_EVENT)
		return complain(r, r->event.start_mark.line, "aliases are not supported here");
	return 0;
}

static size_t line_of(const struct reader *r)
{
	return r->event.start_mark.line;
}

/* The text of a scalar event; refuses NUL bytes, which YAML can spell. */
static int scalar(struct reader *r, char *out, size_t n)
{
	if (r->event.type != YAML_SCALAR_EVENT)
		return complain(r, line_of(r), "expected a plain value here");
	size_t len = r->event.data.scalar.length;
	if (len >= n)
		return complain(r, line_of(r), "value is longer than %zu bytes", n - 1);
	if (memchr(r->event.data.scalar.value, 0, len))
		return complain(r, line_of(r), "value contains a NUL byte");
	memcpy(out, r->event.data.scalar.value, len);
	out[len] = '\0';
	return 0;
}

/* A value with no text and no quotes ("key:") is YAML's null: the key is left at what it was. */
static bool is_null(const struct reader *r)
{
	return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
	       r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int set_here(struct reader *r, const struct opt_section *s, const struct opt *o)
{
	char text[4096], why[384];
	int rc = scalar(r, text, sizeof text);
	if (rc)
		return rc;
	if (opt_set(s, o, text, why, sizeof why) != 0)
		return complain(r, line_of(r), "%s", why);
	return 0;
}

/* The value of one key; the current event is its first. */
static int value(struct reader *r, const struct opt_section *s, const struct opt *o)
{
	if (is_null(r))
		return 0;
	if (o->type != OPT_LIST) {
		if (r->event.type != YAML_SCALAR_EVENT)
			return complain(r, line_of(r), "%s: expected one plain value", o->name);
		return set_here(r, s, o);
	}
	opt_list_clear(s, o);
	if (r->event.type == YAML_SCALAR_EVENT)
		return set_here(r, s, o); /* one value need not be written as a list */
	if (r->event.type != YAML_SEQUENCE_START_EVENT)
		return complain(r, line_of(r), "%s: expected a list", o->name);
	for (;;) {
		int rc = next(r);
		if (rc)
			return rc;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		rc = set_here(r, s, o);
		if (rc)
			return rc;
	}
}

/* Skips the value that begins with the current event. */
static int skip(struct reader *r)
{
	int depth = 0;
	for (;;) {
		switch (r->event.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			if (++depth > 32)
				return complain(r, line_of(r), "nested too deeply");
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		default:
			break;
		}
		if (depth <= 0)
			return 0;
		int rc = next(r);
		if (rc)
			return rc;
	}
}

/* The nearest key, for "did you mean": the one with the longest common prefix. */
static const char *nearest(const struct opt_section *s, const char *key)
{
	const char *best = NULL;
	size_t most = 2;
	for (const struct opt *o = s->opts; o && o->name; o++) {
		size_t k = 0;
		while (key[k] && o->name[k] == key[k])
			k++;
		if (k > most) {
			most = k;
			best = o->name;
		}
	}
	return best;
}

static int unknown_key(struct reader *r, const struct opt_section *s, const char *key)
{
	const char *near = s ? nearest(s, key) : NULL;
	return complain(r, line_of(r), "unknown key \"%.80s\"%s%s%s%s%s%s", key,
			s && *s->name ? " in section \"" : "", s && *s->name ? s->name : "",
			s && *s->name ? "\"" : "", near ? " (did you mean \"" : "",
			near ? near : "", near ? "\"?)" : "");
}

static int section_body(struct reader *r, const struct opt_section *s)
{
	if (is_null(r))
		return 0; /* "flowagg:" with nothing under it */
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return complain(r, line_of(r), "section \"%s\" must hold keys", s->name);
	for (;;) {
		char key[128];
		int rc = next(r);
		if (rc)
			return rc;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		rc = scalar(r, key, sizeof key);
		if (rc)
			return rc;
		const struct opt *o = opt_find(s, key);
		if (!o)
			return unknown_key(r, s, key);
		rc = next(r);
		if (!rc)
			rc = value(r, s, o);
		if (rc)
			return rc;
	}
}

static int top_level_key(struct reader *r)
{
	char key[128];
	int rc = scalar(r, key, sizeof key);
	if (rc)
		return rc;
	const struct opt_section *common = NULL;
	for (size_t k = 0; k < r->nsections; k++) {
		const struct opt_section *s = &r->sections[k];
		if (!*s->name) {
			common = s;
			const struct opt *o = opt_find(s, key);
			if (o) {
				rc = next(r);
				return rc ? rc : value(r, s, o);
			}
		} else if (strcmp(s->name, key) == 0) {
			rc = next(r);
			return rc ? rc : section_body(r, s);
		}
	}
	for (const char *const *k = r->known; *k; k++)
		if (strcmp(*k, key) == 0) {
			rc = next(r);
			return rc ? rc : skip(r);
		}
	return unknown_key(r, common, key);
}

static int document(struct reader *r)
{
	int rc;
	do
		rc = next(r);
	while (!rc && (r->event.type == YAML_STREAM_START_EVENT ||
		       r->event.type == YAML_DOCUMENT_START_EVENT));
	if (rc)
		return rc;
	if (r->event.type == YAML_STREAM_END_EVENT || is_null(r))
		return 0; /* empty, or only comments */
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return complain(r, line_of(r), "expected keys and sections");
	for (;;) {
		rc = next(r);
		if (rc || r->event.type == YAML_MAPPING_END_EVENT)
			break;
		rc = top_level_key(r);
		if (rc)
			break;
	}
	while (!rc && r->event.type != YAML_STREAM_END_EVENT) {
		rc = next(r);
		if (!rc && r->event.type == YAML_DOCUMENT_START_EVENT)
			rc = complain(r, line_of(r), "a second document is not read");
	}
	return rc;
}

int opt_load_memory(const char *name, const void *data, size_t n, const struct opt_section *s,
		    size_t nsections, const char *const *known, char *err, size_t errlen)
{
	struct reader r = {.name = name,
			   .sections = s,
			   .nsections = nsections,
			   .known = known,
			   .err = err,
			   .errlen = errlen};
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, data, n);
	int rc = document(&r);
	if (r.have_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return rc;
}

int opt_load(const char *path, const struct opt_section *s, size_t nsections,
	     const char *const *known, char *err, size_t errlen)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		int rc = -errno;
		snprintf(err, errlen, "%s: %s", path, strerror(-rc));
		return rc;
	}
	int rc = 0;
	char *data = malloc(FILE_MAX_BYTES + 1);
	size_t n = 0;
	if (!data) {
		rc = -ENOMEM;
		snprintf(err, errlen, "%s: out of memory", path);
		goto out;
	}
	n = fread(data, 1, FILE_MAX_BYTES + 1, f);
	if (ferror(f)) {
		rc = -EIO;
		snprintf(err, errlen, "%s: cannot be read (is it a directory?)", path);
		goto out;
	}
	if (n > FILE_MAX_BYTES) {
		rc = -EFBIG;
		snprintf(err, errlen, "%s: larger than 1 MiB, which no configuration is", path);
		goto out;
	}
	rc = opt_load_memory(path, data, n, s, nsections, known, err, errlen);
out:
	free(data);
	fclose(f);
	return rc;
}
