#include "proto/scan.h"

#include <errno.h>
#include <string.h>

void scan_init(struct scan *s, struct bytes text)
{
	*s = (struct scan){.p = text.p, .end = text.p + text.n, .rc = 1};
}

static void spaces(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool take(struct scan *s, uint8_t c)
{
	spaces(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* string: moves behind a string's closing quote. Most of a record is a few long strings. */
static bool string(struct scan *s)
{
	const uint8_t *begin = ++s->p;

	for (;;) {
		const uint8_t *q = memchr(s->p, '"', (size_t)(s->end - s->p));
		if (!q)
			return false;
		s->p = q + 1;
		size_t slashes = 0;
		while (q > begin && q[-1] == '\\') {
			slashes++;
			q--;
		}
		if (slashes % 2 == 0)
			return true;
	}
}

/* brackets: moves behind the one that closes the one at hand. Which kind closes which is not looked
 * at. */
static bool brackets(struct scan *s)
{
	size_t depth = 0;

	while (s->p < s->end) {
		uint8_t c = *s->p;
		if (c == '"') {
			if (!string(s))
				return false;
			continue;
		}
		s->p++;
		depth += c == '{' || c == '[';
		if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

static bool value_at(struct scan *s)
{
	if (s->p == s->end)
		return false;
	if (*s->p == '"')
		return string(s);
	if (*s->p == '{' || *s->p == '[')
		return brackets(s);
	const uint8_t *begin = s->p;
	while (s->p < s->end && !memchr(",}] \t\r\n\":{[", *s->p, 12))
		s->p++;
	return s->p > begin;
}

/* member: 1, 0 or -EBADMSG. */
static int member(struct scan *s, struct bytes *key, struct bytes *value)
{
	bool first = !s->begun;

	if (first && !take(s, '{'))
		return -EBADMSG;
	s->begun = true;
	if (take(s, '}')) {
		spaces(s);
		return s->p == s->end ? 0 : -EBADMSG;
	}
	if (!first && !take(s, ','))
		return -EBADMSG;
	spaces(s);
	const uint8_t *at = s->p;
	if (s->p == s->end || *s->p != '"' || !string(s))
		return -EBADMSG;
	*key = bytes_of(at + 1, (size_t)(s->p - at) - 2);
	if (!take(s, ':'))
		return -EBADMSG;
	spaces(s);
	at = s->p;
	if (!value_at(s))
		return -EBADMSG;
	*value = bytes_of(at, (size_t)(s->p - at));
	return 1;
}

int scan_next(struct scan *s, struct bytes *key, struct bytes *value)
{
	if (s->rc == 1)
		s->rc = member(s, key, value);
	return s->rc;
}

struct bytes scan_string(struct bytes value)
{
	return value.n >= 2 && value.p[0] == '"' ? bytes_of(value.p + 1, value.n - 2)
						 : (struct bytes){0};
}

uint64_t scan_u64(struct bytes value)
{
	uint64_t n = 0;

	for (size_t i = 0; i < value.n; i++) {
		unsigned digit = value.p[i] - (unsigned)'0';
		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return 0;
	}
	return n;
}
