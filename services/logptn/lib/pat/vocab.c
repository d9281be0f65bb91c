#include "logptn/lib/pat/vocab.h"

#include <string.h>

#include "logptn/lib/pat/pat_mix.h"

static const char *const levels[] = {
	"trace", "debug",  "info",  "information", "notice",  "warn",    "warning", "error",
	"err",   "severe", "fatal", "critical",    "crit",    "alert",   "emerg",   "emergency",
	"panic", "fine",   "finer", "finest",      "failure", "verbose", NULL,
};

static const char *const units[] = {
	"ns",      "us",   "ms",    "s",  "sec", "secs", "second", "seconds", "min", "mins",
	"minutes", "h",    "hours", "b",  "kb",  "mb",   "gb",     "tb",      "kib", "mib",
	"gib",     "byte", "bytes", "hz", "khz", "mhz",  "ghz",    "%",       "c",   NULL,
};

static uint64_t fnv(uint64_t h, uint8_t c)
{
	return (h ^ c) * UINT64_C(0x100000001b3);
}

#define FNV_START UINT64_C(0xcbf29ce484222325)

uint64_t vocab_hash(const uint8_t *p, size_t n)
{
	uint64_t h = FNV_START;

	for (size_t i = 0; i < n; i++)
		h = fnv(h, p[i]);
	return pat_mix(h, n + 1);
}

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

uint64_t vocab_fold(const uint8_t *p, size_t n)
{
	uint64_t h = FNV_START;

	for (size_t i = 0; i < n; i++)
		h = fnv(h, small(p[i]));
	return h;
}

static bool listed(const struct sym *s, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == s->len &&
		    vocab_fold((const uint8_t *)*list, s->len) == s->lower)
			return true;
	return false;
}

/* A level is written in one way: info, INFO or Info. */
static bool one_case(const uint8_t *p, size_t n)
{
	bool up = false, low = false;

	for (size_t i = 1; i < n; i++) {
		up |= p[i] >= 'A' && p[i] <= 'Z';
		low |= p[i] >= 'a' && p[i] <= 'z';
	}
	return !(up && low);
}

void vocab_judge(struct sym *s)
{
	uint64_t stem = FNV_START, space = FNV_START;
	bool lower = false, digit = false, in_digits = false, plain = true;
	unsigned dots = 0;

	s->flags = SYM_WORD;
	for (uint32_t i = 0; i < s->len; i++) {
		uint8_t c = s->text[i];
		bool d = c >= '0' && c <= '9';

		digit |= d;
		lower |= c >= 'a' && c <= 'z';
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80)
			s->flags |= SYM_LETTERS;
		if (!d || !in_digits)
			stem = fnv(stem, d ? '0' : c);
		in_digits = d;
		if (c == '.') {
			dots++;
			plain &= i && i + 1 < s->len && s->text[i - 1] != '.';
		} else {
			plain &= c == '_' || c == '-' || c == '$' || d || small(c) != c ||
				 (c >= 'a' && c <= 'z');
		}
		if (dots < 2)
			space = fnv(space, c);
	}
	if (!lower && s->len > 1)
		s->flags |= SYM_UPPER;
	if (digit)
		s->flags |= SYM_DIGITS;
	if (dots >= 2 && plain)
		s->flags |= SYM_DOTTED;
	s->stem = stem;
	s->space = space;
	s->lower = vocab_fold(s->text, s->len);
	if (one_case(s->text, s->len) && listed(s, levels))
		s->flags |= SYM_LEVEL;
	if (listed(s, units))
		s->flags |= SYM_UNIT;
}

bool vocab_blank(const uint8_t *p, size_t n)
{
	return (n == 1 && p[0] == ' ') || (n == 3 && !memcmp(p, "\xe3\x80\x80", 3));
}
