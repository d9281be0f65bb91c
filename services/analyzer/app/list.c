#include "app/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALIGN 16u

void *arena_take(struct msg_arena *a, size_t n)
{
	size_t at = (a->used + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (at > a->n || n > a->n - at)
		return NULL;
	a->used = at + n;
	return memset(a->p + at, 0, n);
}

struct bytes arena_copy(struct msg_arena *a, struct bytes b)
{
	uint8_t *p = b.p ? arena_take(a, b.n) : NULL;

	if (!p)
		return (struct bytes){NULL, 0};
	memcpy(p, b.p, b.n);
	return (struct bytes){p, b.n};
}

struct bytes arena_hex(struct msg_arena *a, struct bytes b)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = arena_take(a, 2 * b.n);

	if (!p)
		return (struct bytes){NULL, 0};
	for (size_t i = 0; i < b.n; i++) {
		p[2 * i] = (uint8_t)digits[b.p[i] >> 4];
		p[2 * i + 1] = (uint8_t)digits[b.p[i] & 15];
	}
	return (struct bytes){p, 2 * b.n};
}

struct bytes arena_printf(struct msg_arena *a, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return (struct bytes){NULL, 0};
	size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	return arena_copy(a, bytes_of(text, len));
}

void strs_add(struct strs *s, struct bytes b)
{
	s->total++;
	if (!s->v)
		s->v = arena_take(s->a, s->max * sizeof *s->v);
	if (s->v && s->n < s->max)
		s->v[s->n++] = b;
}

void u64s_add(struct u64s *s, uint64_t v)
{
	if (!s->v)
		s->v = arena_take(s->a, s->max * sizeof *s->v);
	if (s->v && s->n < s->max)
		s->v[s->n++] = v;
}
