#include "rt/opt.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt/opt_value.h"

/* A list longer than this is a mistake, not a configuration. */
#define LIST_MAX 4096

bool opt_is_bool(const struct opt *o)
{
	return o->type == OPT_BOOL || o->type == OPT_SWITCH;
}

bool opt_is_text(const struct opt *o)
{
	return o->type == OPT_STR || o->type == OPT_DIR;
}

void opt_dashes(char *text, char end)
{
	for (; *text && *text != end; text++)
		if (*text == '_')
			*text = '-';
}

void *opt_value(const struct opt_section *s, const struct opt *o)
{
	return (char *)s->values + o->offset;
}

const struct opt *opt_find(const struct opt_section *s, const char *name)
{
	for (const struct opt *o = s->opts; o && o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

void opt_list_free(struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct opt_list){0};
}

void opt_list_clear(const struct opt_section *s, const struct opt *o)
{
	if (o->type == OPT_LIST)
		opt_list_free(opt_value(s, o));
}

static int list_add(struct opt_list *l, const char *text, size_t n)
{
	if (l->n == LIST_MAX)
		return -E2BIG;
	char **v = realloc(l->v, (l->n + 1) * sizeof *v);
	if (!v)
		return -ENOMEM;
	l->v = v;
	v[l->n] = strndup(text, n);
	if (!v[l->n])
		return -ENOMEM;
	l->n++;
	return 0;
}

int opt_list_add(struct opt_list *l, const char *text)
{
	return list_add(l, text, strlen(text));
}

static int parse_bool(const char *t, bool *out)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};
	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(t, yes[i]) == 0) {
			*out = true;
			return 0;
		}
		if (strcasecmp(t, no[i]) == 0) {
			*out = false;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_int(const char *t, int64_t *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(t, &end, 10);
	if (errno || end == t || *end)
		return -EINVAL;
	*out = v;
	return 0;
}

/* "67108864", "64MiB", "64 M": binary multiples. */
static int parse_size(const char *t, int64_t *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(t, &end, 10);
	if (errno || end == t || v < 0)
		return -EINVAL;
	while (*end == ' ')
		end++;
	static const char units[] = "KMGT";
	unsigned shift = 0;
	if (*end) {
		const char *u = strchr(units, toupper((unsigned char)*end));
		if (!u)
			return -EINVAL;
		end++;
		if (*end && strcasecmp(end, "iB") != 0 && strcasecmp(end, "B") != 0)
			return -EINVAL;
		shift = 10u * (unsigned)(u - units + 1);
	}
	if (v > (INT64_MAX >> shift))
		return -ERANGE;
	*out = (int64_t)((uint64_t)v << shift);
	return 0;
}

static int parse_choice(const struct opt *o, const char *t, int *out)
{
	for (int i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], t) == 0) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

/* What a value of this option looks like, for error messages. */
static void expectation(const struct opt *o, char *out, size_t n)
{
	size_t at = 0;
	switch (o->type) {
	case OPT_BOOL:
	case OPT_SWITCH:
		snprintf(out, n, "expected true or false");
		break;
	case OPT_INT:
		snprintf(out, n, "expected a whole number from %lld to %lld%s%s", (long long)o->min,
			 (long long)o->max, o->unit ? " " : "", o->unit ? o->unit : "");
		break;
	case OPT_SIZE:
		snprintf(out, n, "expected a size such as 64MiB, from %lld to %lld bytes",
			 (long long)o->min, (long long)o->max);
		break;
	case OPT_ENUM:
		at = (size_t)snprintf(out, n, "expected one of");
		for (int i = 0; o->choices[i] && at < n; i++)
			at += (size_t)snprintf(out + at, n - at, "%s %s", i ? "," : "",
					       o->choices[i]);
		break;
	case OPT_STR:
	case OPT_LIST:
		snprintf(out, n, "expected text");
		break;
	case OPT_DIR:
		snprintf(out, n, "expected a directory");
		break;
	}
}

static int set_text(char **v, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*v);
	*v = copy;
	return 0;
}

static int set_dir(char **v, const char *text)
{
	char here[PATH_MAX], path[2 * PATH_MAX];
	if (!*text || *text == '/')
		return set_text(v, text);
	if (!getcwd(here, sizeof here))
		return -errno;
	int n = snprintf(path, sizeof path, "%s/%s", strcmp(here, "/") ? here : "", text);
	return n < 0 || (size_t)n >= sizeof path ? -ENAMETOOLONG : set_text(v, path);
}

int opt_set(const struct opt_section *s, const struct opt *o, const char *text, char *err,
	    size_t errlen)
{
	void *v = opt_value(s, o);
	int64_t number = 0;
	int rc = 0;
	switch (o->type) {
	case OPT_BOOL:
	case OPT_SWITCH:
		rc = parse_bool(text, v);
		break;
	case OPT_INT:
	case OPT_SIZE:
		rc = o->type == OPT_INT ? parse_int(text, &number) : parse_size(text, &number);
		if (!rc && (number < o->min || number > o->max))
			rc = -ERANGE;
		if (rc)
			break;
		if (o->type == OPT_INT)
			*(int64_t *)v = number;
		else
			*(uint64_t *)v = (uint64_t)number;
		break;
	case OPT_ENUM:
		rc = parse_choice(o, text, v);
		break;
	case OPT_STR:
		rc = set_text(v, text);
		break;
	case OPT_DIR:
		rc = set_dir(v, text);
		break;
	case OPT_LIST:
		rc = opt_list_add(v, text);
		break;
	}
	if (rc && rc != -ENOMEM) {
		char want[256];
		expectation(o, want, sizeof want);
		snprintf(err, errlen, "%s: \"%.80s\" is not valid: %s", o->name, text, want);
	}
	return rc;
}

int opt_set_listed(const struct opt_section *s, const struct opt *o, const char *text, char *err,
		   size_t errlen)
{
	if (o->type != OPT_LIST)
		return opt_set(s, o, text, err, errlen);
	struct opt_list *l = opt_value(s, o);
	opt_list_free(l);
	while (*text) {
		size_t n = strcspn(text, ",");
		const char *from = text;
		size_t len = n;
		while (len && *from == ' ')
			from++, len--;
		while (len && from[len - 1] == ' ')
			len--;
		int rc = len ? list_add(l, from, len) : 0;
		if (rc) {
			snprintf(err, errlen, "%s: too many values", o->name);
			return rc;
		}
		text += n + (text[n] == ',');
	}
	return 0;
}

int opt_defaults(const struct opt_section *sections, size_t nsections)
{
	for (size_t k = 0; k < nsections; k++) {
		const struct opt_section *s = &sections[k];
		for (const struct opt *o = s->opts; o && o->name; o++) {
			if (!o->def)
				continue;
			char err[256];
			int rc = opt_set_listed(s, o, o->def, err, sizeof err);
			assert(rc == 0 || rc == -ENOMEM);
			if (rc)
				return rc;
		}
	}
	return 0;
}

void opt_fini(const struct opt_section *sections, size_t nsections)
{
	for (size_t k = 0; k < nsections; k++) {
		const struct opt_section *s = &sections[k];
		for (const struct opt *o = s->opts; o && o->name; o++) {
			void *v = opt_value(s, o);
			if (opt_is_text(o)) {
				free(*(char **)v);
				*(char **)v = NULL;
			}
			opt_list_clear(s, o);
		}
	}
}

void opt_env_name(const struct opt_section *s, const struct opt *o, char *out, size_t n)
{
	snprintf(out, n, "LURKER_%s%s%s", s->name, *s->name ? "_" : "", o->name);
	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

int opt_env(const struct opt_section *sections, size_t nsections, char **envp, char *err,
	    size_t errlen)
{
	for (; *envp; envp++) {
		const char *eq = strchr(*envp, '=');
		/* An empty variable is one that is not set: compose files pass every one they
		 * know. */
		if (strncmp(*envp, "LURKER_", 7) != 0 || !eq || !eq[1])
			continue;
		size_t len = (size_t)(eq - *envp);
		const struct opt *found = NULL;
		const struct opt_section *in = NULL, *mine = NULL;
		for (size_t k = 0; k < nsections; k++) {
			const struct opt_section *s = &sections[k];
			char name[128];
			size_t prefix = (size_t)snprintf(name, sizeof name, "LURKER_%s_", s->name);
			for (char *p = name; *p; p++)
				*p = (char)toupper((unsigned char)*p);
			if (*s->name && len > prefix && strncmp(*envp, name, prefix) == 0)
				mine = s;
			for (const struct opt *o = s->opts; o && o->name; o++) {
				opt_env_name(s, o, name, sizeof name);
				if (!found && strlen(name) == len &&
				    strncmp(name, *envp, len) == 0) {
					found = o;
					in = s;
				}
			}
		}
		/* A variable of another service's section is not ours to judge. */
		if (!found && mine) {
			snprintf(err, errlen, "environment: %.*s: unknown option of section \"%s\"",
				 (int)len, *envp, mine->name);
			return -EINVAL;
		}
		if (!found)
			continue;
		char why[384];
		int rc = opt_set_listed(in, found, eq + 1, why, sizeof why);
		if (rc) {
			snprintf(err, errlen, "environment: %.*s: %s", (int)len, *envp, why);
			return rc;
		}
	}
	return 0;
}
