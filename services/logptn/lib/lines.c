#include "logptn/lib/lines.h"

#include <errno.h>
#include <string.h>

int lines_rule_set(struct lines_rule *r, const char *text, char *err, size_t errlen)
{
	int e;

	memset(r, 0, sizeof *r);
	if (!strcmp(text, "auto"))
		return 0;
	r->mode = MULTILINE_NONE;
	if (!strcmp(text, "none"))
		return 0;
	e = regcomp(&r->start, text, REG_EXTENDED | REG_NOSUB);
	if (e) {
		regerror(e, &r->start, err, errlen);
		return -EINVAL;
	}
	r->mode = MULTILINE_REGEX;
	return 0;
}

void lines_rule_fini(struct lines_rule *r)
{
	if (r->mode == MULTILINE_REGEX)
		regfree(&r->start);
	memset(r, 0, sizeof *r);
}

static bool starts(const uint8_t *p, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && !memcmp(p, with, k);
}

static bool looks_continued(const uint8_t *p, size_t n)
{
	size_t blanks = 0;

	switch (p[0]) {
	case '\t':
		return true;
	case 'C':
		return starts(p, n, "Caused by: ");
	case 'T':
		return starts(p, n, "Traceback (most recent call last):");
	case ' ':
		break;
	default:
		return false;
	}
	while (blanks < n && p[blanks] == ' ')
		blanks++;
	if (blanks == n || blanks < 2)
		return false;
	p += blanks;
	n -= blanks;
	return blanks >= 4 || starts(p, n, "at ") || starts(p, n, "File \"") ||
	       starts(p, n, "... ");
}

bool lines_continues(const struct lines_rule *r, const uint8_t *line, size_t n)
{
	regmatch_t m = {0, (regoff_t)n};

	if (!n || r->mode == MULTILINE_NONE)
		return false;
	if (r->mode == MULTILINE_AUTO)
		return looks_continued(line, n);
	return regexec(&r->start, (const char *)line, 1, &m, REG_STARTEND) == REG_NOMATCH;
}

bool lines_next(const uint8_t *p, size_t n, size_t *at, const uint8_t **line, size_t *len,
		uint64_t *number)
{
	while (*at < n) {
		const uint8_t *s = p + *at, *e = memchr(s, '\n', n - *at);
		size_t k = e ? (size_t)(e - s) : n - *at;

		*at += k + (e != NULL);
		if (number)
			(*number)++;
		if (k && s[k - 1] == '\r')
			k--;
		if (k) {
			*line = s;
			*len = k;
			return true;
		}
	}
	return false;
}
