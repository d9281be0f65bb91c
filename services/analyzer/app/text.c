#include "app/text.h"

#include <string.h>

static uint8_t lower(uint8_t c)
{
	return is_upper(c) ? (uint8_t)(c | 0x20) : c;
}

static bool same_nocase(const uint8_t *p, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(p[i]) != lower((uint8_t)s[i]))
			return false;
	return true;
}

bool text_is_nocase(struct bytes b, const char *s)
{
	return b.n == strlen(s) && same_nocase(b.p, s, b.n);
}

bool text_starts_nocase(struct bytes b, const char *s)
{
	size_t n = strlen(s);
	return b.n >= n && same_nocase(b.p, s, n);
}

size_t text_find(struct bytes b, const char *s)
{
	const uint8_t *hit = b.n ? memmem(b.p, b.n, s, strlen(s)) : NULL;
	return hit ? (size_t)(hit - b.p) : b.n;
}

bool text_among(struct bytes b, const char *const *list, bool nocase)
{
	if (b.n == 0)
		return false;
	for (uint8_t first = lower(b.p[0]); *list; list++) {
		if (lower((uint8_t) * *list) != first) /* most rows end here */
			continue;
		if (nocase ? text_is_nocase(b, *list) : text_is(b, *list))
			return true;
	}
	return false;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes text_trim(struct bytes b)
{
	while (b.n && is_blank(b.p[b.n - 1]))
		b.n--;
	while (b.n && is_blank(b.p[0])) {
		b.p++;
		b.n--;
	}
	return b;
}

struct bytes text_from(struct bytes b, size_t n)
{
	if (n >= b.n)
		return (struct bytes){b.p ? b.p + b.n : NULL, 0};
	return (struct bytes){b.p + n, b.n - n};
}

struct bytes text_upto(struct bytes b, size_t n)
{
	if (n < b.n)
		b.n = n;
	return b;
}

bool text_printable(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if ((b.p[i] < 0x20 && b.p[i] != '\t') || b.p[i] == 0x7f)
			return false;
	return true;
}

uint64_t text_number(struct bytes b, size_t *digits_out)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < b.n && is_digit(b.p[i]); i++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(b.p[i] - '0'), &v))
			v = UINT64_MAX;
	*digits_out = i;
	return v;
}

bool text_line(struct cur *c, struct bytes *line, bool *whole)
{
	size_t left = cur_left(c);
	if (left == 0)
		return false;
	const uint8_t *from = c->p + c->at;
	const uint8_t *lf = memchr(from, '\n', left);
	*line = cur_take(c, lf ? (size_t)(lf - from) + 1 : left);
	if (whole)
		*whole = lf != NULL;
	if (lf) {
		line->n--;
		if (line->n && line->p[line->n - 1] == '\r')
			line->n--;
	}
	return true;
}

struct bytes text_word(struct bytes *b)
{
	*b = text_trim(*b);
	size_t n = 0;
	while (n < b->n && !is_blank(b->p[n]))
		n++;
	struct bytes word = text_upto(*b, n);
	*b = text_from(*b, n);
	return word;
}

static int base64_value(uint8_t c)
{
	if (is_upper(c))
		return c - 'A';
	if (is_lower(c))
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

struct bytes text_base64(struct msg_arena *a, struct bytes b)
{
	const struct bytes none = {NULL, 0};
	while (b.n && b.p[b.n - 1] == '=')
		b.n--;
	if (b.n % 4 == 1)
		return none;
	uint8_t *out = arena_take(a, b.n / 4 * 3 + 2);
	size_t n = 0;
	uint32_t acc = 0;
	if (!out)
		return none;
	for (size_t i = 0; i < b.n; i++) {
		int v = base64_value(b.p[i]);
		if (v < 0)
			return none;
		acc = acc << 6 | (uint32_t)v;
		if (i % 4 != 0) /* 4 digits make 3 bytes: each but the first completes one */
			out[n++] = (uint8_t)(acc >> (6 - 2 * (i % 4)));
	}
	return (struct bytes){out, n};
}

void fields_read(struct cur *c, struct msg_arena *a, struct fields *out)
{
	struct bytes line;
	bool whole;

	*out = (struct fields){0};
	while (text_line(c, &line, &whole)) {
		if (line.n == 0 && whole) {
			out->complete = true;
			return;
		}
		const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
		if (!colon) /* folded lines and noise: not a field of its own */
			continue;
		if (!out->v)
			out->v = arena_take(a, APP_MAX_HEADERS * sizeof *out->v);
		if (!out->v || out->n == APP_MAX_HEADERS)
			continue;
		size_t at = (size_t)(colon - line.p);
		out->v[out->n++] = (struct msg_header){
			.name = text_trim(text_upto(line, at)),
			.value = text_trim(text_from(line, at + 1)),
		};
	}
}

struct bytes fields_get(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (text_is_nocase(f->v[i].name, name))
			return f->v[i].value;
	return (struct bytes){NULL, 0};
}
