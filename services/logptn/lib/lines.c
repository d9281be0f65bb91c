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

enum looks { LOOKS_FIRST, LOOKS_INDENTED, LOOKS_CONTINUED };

static enum looks looks(const uint8_t *p, size_t n)
{
	size_t blanks = 0;

	switch (p[0]) {
	case 'C':
		return starts(p, n, "Caused by: ") ? LOOKS_CONTINUED : LOOKS_FIRST;
	case 'T':
		return starts(p, n, "Traceback (most recent call last):") ? LOOKS_CONTINUED
									  : LOOKS_FIRST;
	case ' ':
	case '\t':
		break;
	default:
		return LOOKS_FIRST;
	}
	while (blanks < n && (p[blanks] == ' ' || p[blanks] == '\t'))
		blanks++;
	p += blanks;
	n -= blanks;
	if ((blanks >= 2 || p[-1] == '\t') &&
	    (starts(p, n, "at ") || starts(p, n, "File \"") || starts(p, n, "... ")))
		return LOOKS_CONTINUED;
	return n && (blanks >= 4 || p[-1] == '\t') ? LOOKS_INDENTED : LOOKS_FIRST;
}

/* 2024-…, [Mon …, <13>Jan …, Jan …: a line like that announces its details. */
static bool timed(const uint8_t *head)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";

	if ((head[0] >= '0' && head[0] <= '9') || head[0] == '[' || head[0] == '<')
		return true;
	for (const char *m = names; *m; m += 3)
		if (!memcmp(head, m, 3))
			return head[3] == ' ' || head[3] == ',';
	return false;
}

static bool matches(const struct lines_rule *rule, const uint8_t *line, size_t n)
{
	regmatch_t m = {0, (regoff_t)n};

	return regexec(&rule->start, (const char *)line, 1, &m, REG_STARTEND) == 0;
}

bool lines_starts(const struct lines_rule *rule, const uint8_t *line, size_t n)
{
	if (!n || rule->mode == MULTILINE_NONE)
		return true;
	return rule->mode == MULTILINE_AUTO ? looks(line, n) == LOOKS_FIRST
					    : matches(rule, line, n);
}

static bool continues(const struct lines_rule *rule, const struct lines_record *r,
		      const uint8_t *line, size_t n)
{
	enum looks l;

	if (rule->mode != MULTILINE_AUTO)
		return !lines_starts(rule, line, n);
	l = looks(line, n);
	return l == LOOKS_CONTINUED || (l == LOOKS_INDENTED && (r->continued || timed(r->head)));
}

bool lines_continues(const struct lines_rule *rule, struct lines_record *r, const uint8_t *line,
		     size_t n)
{
	r->continued = r->any && continues(rule, r, line, n);
	if (r->continued)
		return true;
	r->any = true;
	if (n >= sizeof r->head)
		memcpy(r->head, line, sizeof r->head);
	else
		memset(r->head, 0, sizeof r->head);
	return false;
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
