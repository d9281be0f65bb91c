/*
 * Expressions. A constant is written literally, a value as a class of the characters seen in it, so
 * that the expression matches every line of the format by construction. It means the same on bytes
 * and on UTF-8.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/format/format.h"
#include "logptn/lib/line/chars.h"

struct out {
	char *p;
	size_t n, cap;
	bool failed;
};

static void put(struct out *o, const char *s, size_t n)
{
	if (o->failed)
		return;
	if (o->n + n + 1 > o->cap) {
		size_t cap = 2 * (o->n + n) + 256;
		char *p = realloc(o->p, cap);

		if (!p) {
			o->failed = true;
			return;
		}
		o->p = p;
		o->cap = cap;
	}
	memcpy(o->p + o->n, s, n);
	o->n += n;
	o->p[o->n] = 0;
}

static void puts_(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

/* White space as logptn sees it: \s would take in control bytes that are none for it. */
#define BLANKS      "[ \\t]+"
#define WIDE_BLANKS "(?:[ \\t]|[^\\x00-\\x7f])+"

static void literal(struct out *o, const uint8_t *s, size_t n)
{
	char hex[8];

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ') {
			puts_(o, BLANKS);
		} else if (n - i >= 3 && !memcmp(s + i, "\xe3\x80\x80", 3)) {
			puts_(o, WIDE_BLANKS);
			i += 2;
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			snprintf(hex, sizeof hex, "\\x%02x", s[i]);
			puts_(o, hex);
		} else {
			if (strchr("\\^$.[]|()?*+{}-#/", s[i]))
				put(o, "\\", 1);
			put(o, (const char *)s + i, 1);
		}
	}
}

static void class(struct out *o, uint64_t chars)
{
	char c[3] = "\\";

	if ((chars & CHARS_ALL) == CHARS_ALL) {
		puts_(o, "[\\s\\S]");
		return;
	}
	puts_(o, "[");
	if (chars & CHARS_DIGIT)
		puts_(o, "0-9");
	if (chars & CHARS_UPPER)
		puts_(o, "A-Z");
	if (chars & CHARS_LOWER)
		puts_(o, "a-z");
	if (chars & CHARS_SPACE)
		puts_(o, " \\t");
	for (unsigned i = 0; i < 32; i++)
		if (chars >> (CHARS_PUNCT_SHIFT + i) & 1) {
			c[1] = CHARS_PUNCT[i];
			put(o, c[1] == '_' ? c + 1 : c, c[1] == '_' ? 1 : 2);
		}
	if (chars & CHARS_CONTROL)
		puts_(o, "\\x00-\\x08\\x0a-\\x1f\\x7f");
	puts_(o, "]");
}

/* One or more characters of the set. */
static void value(struct out *o, uint64_t chars)
{
	if (chars & CHARS_HIGH && (chars & CHARS_ALL) != CHARS_ALL) {
		puts_(o, "(?:");
		if (chars & ~(uint64_t)CHARS_HIGH) {
			class(o, chars & ~(uint64_t)CHARS_HIGH);
			puts_(o, "|");
		}
		puts_(o, "[^\\x00-\\x7f])+");
		return;
	}
	class(o, chars);
	puts_(o, "+");
}

/* The Grok pattern that takes all values of this type, if there is one. */
static const char *grok_of(const struct segment *g)
{
	switch (g->types) {
	case 1u << TYPE_NUMBER:
		return g->chars == CHARS_DIGIT ? "POSINT" : NULL;
	case 1u << TYPE_WORD:
		return g->chars & ~(uint64_t)(CHARS_DIGIT | CHARS_LOWER | CHARS_UPPER) ? NULL
										       : "WORD";
	case 1u << TYPE_PATH:
	case 1u << TYPE_URL:
	case 1u << TYPE_ID:
	case 1u << TYPE_HOST:
		return g->chars & (CHARS_SPACE | CHARS_CONTROL) ? NULL : "NOTSPACE";
	default:
		return NULL;
	}
}

char *format_regex(const struct format *f, enum regex_style style)
{
	struct out o = {0};

	puts_(&o, "^[ \\t]*");
	for (uint32_t i = 0; i < f->nseg; i++) {
		const struct segment *g = &f->seg[i];
		const char *grok = style == REGEX_GROK && g->value ? grok_of(g) : NULL;

		if (!g->value) {
			literal(&o, g->text, g->len);
			continue;
		}
		puts_(&o, grok ? "%{" : "(?<");
		puts_(&o, grok ? grok : g->name);
		puts_(&o, grok ? ":" : ">");
		if (grok) {
			puts_(&o, g->name);
			puts_(&o, "}");
			continue;
		}
		value(&o, g->chars ? g->chars : CHARS_ALL);
		puts_(&o, ")");
	}
	puts_(&o, "[ \\t]*$");
	if (o.failed) {
		free(o.p);
		return NULL;
	}
	return o.p;
}
