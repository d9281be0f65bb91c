#include "proto/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256 /* bytes of the first allocation */

struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){.p = p, .n = n};
}

struct bytes bytes_str(const char *s)
{
	return s ? bytes_of(s, strlen(s)) : (struct bytes){0};
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.limit = b->limit};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	b->rc = 0;
}

void buf_spare(struct buf *b, size_t keep)
{
	if (b->cap > keep)
		buf_fini(b);
	else
		buf_reset(b);
}

static int buf_fail(struct buf *b, int rc)
{
	b->failed = true;
	return b->rc = rc;
}

/* Makes room for n more bytes. Invariant: n <= cap <= limit. */
static int buf_grow(struct buf *b, size_t n)
{
	if (b->failed)
		return b->rc;
	if (n > b->limit - b->n)
		return buf_fail(b, -EFBIG);
	if (n <= b->cap - b->n)
		return 0;

	size_t want = b->n + n;
	size_t cap = b->cap > b->limit / 2 ? b->limit : b->cap * 2;
	if (cap < want)
		cap = want;
	if (cap < BUF_FIRST)
		cap = BUF_FIRST < b->limit ? BUF_FIRST : b->limit;
	uint8_t *p = realloc(b->p, cap);
	if (!p)
		return buf_fail(b, -ENOMEM);
	b->p = p;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	if (b->failed || n > b->cap - b->n) {
		int rc = buf_grow(b, n);
		if (rc < 0)
			return rc;
	}
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	char small[256], *large = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof small) {
		va_start(ap, fmt);
		n = vasprintf(&large, fmt, ap);
		va_end(ap);
	}
	int rc = n < 0 ? buf_fail(b, -ENOMEM) : buf_add(b, large ? large : small, (size_t)n);
	free(large);
	return rc;
}

void buf_back(struct buf *b, size_t n)
{
	buf_reset(b);
	b->n = n;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	return buf_grow(b, n || b->p ? n : 1) < 0 ? NULL : b->p + b->n;
}

struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){.p = b->p, .n = b->n};
}
