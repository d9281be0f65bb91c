#include "logptn_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(kind, name) "../shared/corpora/loghub/" kind "/" name ".log"
#define BOTH(name)      SET("content", name), SET("raw", name)
const char *const log_sets[] = {
	BOTH("Android"),   BOTH("Apache"),      BOTH("Hadoop"),
	BOTH("HealthApp"), BOTH("Mac"),         BOTH("OpenSSH"),
	BOTH("OpenStack"), BOTH("Thunderbird"), NULL,
};

static void push(struct lines *l, const char *p, size_t n)
{
	struct text *t;

	if (!(l->n & (l->n - 1))) {
		l->v = realloc(l->v, (l->n ? 2 * l->n : 1) * sizeof *l->v);
		if (!l->v)
			abort();
	}
	t = &l->v[l->n++];
	t->n = n;
	t->p = calloc(1, n + SHAPE_SLACK);
	if (!t->p)
		abort();
	memcpy(t->p, p, n);
}

static struct lines split(const char *p, size_t n)
{
	struct lines l = {0};

	for (size_t i = 0; i < n;) {
		const char *nl = memchr(p + i, '\n', n - i);
		size_t k = nl ? (size_t)(nl - p) - i : n - i;

		if (k)
			push(&l, p + i, k && p[i + k - 1] == '\r' ? k - 1 : k);
		i += k + 1;
	}
	return l;
}

struct lines lines_of(const char *text)
{
	return split(text, strlen(text));
}

struct lines lines_from(const char *path)
{
	FILE *f = fopen(path, "re");
	struct lines l = {0};
	char *p;
	size_t n;

	if (!f)
		return l;
	p = malloc(1 << 24);
	if (!p)
		abort();
	n = fread(p, 1, 1 << 24, f);
	fclose(f);
	l = split(p, n);
	free(p);
	return l;
}

void lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].p);
	free(l->v);
	*l = (struct lines){0};
}

void add_lines(struct skels *t, const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		intake_add(t, l->v[i].p, l->v[i].n);
}

struct formats *formats_of(struct skels *t, const char *text)
{
	struct lines l = lines_of(text);
	struct formats *f = NULL;

	if (skels_init(t))
		abort();
	add_lines(t, &l);
	lines_free(&l);
	if (formats_make(t, &f))
		abort();
	return f;
}

const struct format *with_template(const struct formats *f, const char *template)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i].template, template))
			return &f->v[i];
	return NULL;
}

uint64_t count_of(const struct formats *f, const char *template)
{
	const struct format *m = with_template(f, template);

	return m ? m->lines : 0;
}

char *describe(const struct formats *f)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		abort();
	for (uint32_t i = 0; i < f->n; i++) {
		char *regex = format_regex(&f->v[i], REGEX_PCRE);

		fprintf(out, "%s %llu %s\n%s\n", f->v[i].id, (unsigned long long)f->v[i].lines,
			f->v[i].template, regex);
		free(regex);
	}
	fclose(out);
	return text;
}

const char *templates(const struct formats *f)
{
	static char text[8192];
	size_t n = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < f->n && n < sizeof text - 300; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%llu %.200s\n",
				      (unsigned long long)f->v[i].lines, f->v[i].template);
	return text;
}
