/*
 * json: a message as one JSON object (RFC 8259), straight from the tables into the buffer.
 *
 * What no terminal or log viewer should interpret (DEL and the C1 controls) is escaped too, since
 * the strings are the attackers'.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "proto/field.h"
#include "proto/utf8.h"

#define NS_PER_S 1000000000u

/* As buf_add and buf_addc, without a call while there is room. */
static inline void add(struct buf *b, const void *p, size_t n)
{
	if (b->failed || n == 0 || n > b->cap - b->n) {
		buf_add(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void addc(struct buf *b, char c)
{
	add(b, &c, 1);
}

static void add_escape(struct buf *out, unsigned c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 0, '0', '0'};
	size_t n = 2;
	switch (c) {
	case '"':
	case '\\':
		text[1] = (char)c;
		break;
	case '\b':
		text[1] = 'b';
		break;
	case '\f':
		text[1] = 'f';
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		text[1] = 'u';
		text[4] = hex[c >> 4 & 15];
		text[5] = hex[c & 15];
		n = 6;
	}
	add(out, text, n);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define EACH(byte) (0x0101010101010101u * (byte))
#define HIGH_BITS  EACH(0x80u)

/* special: the high bit of each byte of w that is not plain. No carry leaves a byte: seven bits and at most 0x7f. */
static uint64_t special(uint64_t w)
{
	uint64_t low = w & ~HIGH_BITS;
	uint64_t at_least_space = low + EACH(0x60u), del = low + EACH(1u);
	uint64_t not_quote = (low ^ EACH((uint64_t)'"')) + EACH(0x7fu);
	uint64_t not_backslash = (low ^ EACH((uint64_t)'\\')) + EACH(0x7fu);
	return (w | del | ~(at_least_space & not_quote & not_backslash)) & HIGH_BITS;
}

/* The length of the run of plain bytes at the beginning. */
static inline size_t plain_run(const uint8_t *p, size_t n)
{
	size_t i = 0;
	uint64_t w;
	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		uint64_t found = special(w);
		if (found)
			return i + (size_t)__builtin_ctzll(found) / 8;
	}
	while (i < n && is_plain(p[i]))
		i++;
	return i;
}

static void add_str(struct buf *out, struct bytes s)
{
	addc(out, '"');
	size_t from = 0; /* [from, i) goes out as it is */
	for (size_t i = plain_run(s.p, s.n); i < s.n; i += plain_run(s.p + i, s.n - i)) {
		size_t len = utf8_len(s.p + i, s.n - i);
		bool c1 = len == 2 && s.p[i] == 0xc2 && s.p[i + 1] < 0xa0;
		if (len > 1 && !c1) {
			i += len;
			continue;
		}
		add(out, s.p + from, i - from);
		if (len == 0) {
			addc(out, '.');
			len = 1;
		} else {
			add_escape(out, c1 ? s.p[i + 1] : s.p[i]);
		}
		from = i += len;
	}
	if (from < s.n)
		add(out, s.p + from, s.n - from);
	addc(out, '"');
}

static void add_base64(struct buf *out, struct bytes b)
{
	addc(out, '"');
	/* In pieces whose length is a multiple of three, so that they join, and fits an int. */
	for (size_t i = 0, n; i < b.n; i += n) {
		n = b.n - i < 3u << 20 ? b.n - i : 3u << 20;
		uint8_t *to = buf_room(out, (n + 2) / 3 * 4 + 1); /* and a NUL */
		if (!to)
			return;
		out->n += (size_t)EVP_EncodeBlock(to, b.p + i, (int)n);
	}
	addc(out, '"');
}

static void add_u64(struct buf *out, uint64_t v)
{
	char text[20], *p = text + sizeof(text);
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	add(out, p, (size_t)(text + sizeof(text) - p));
}

static void add_i64(struct buf *out, int64_t v)
{
	if (v < 0)
		addc(out, '-');
	add_u64(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void add_time(struct buf *out, uint64_t ns)
{
	add_u64(out, ns / NS_PER_S);
	char text[10] = ".";
	uint64_t fraction = ns % NS_PER_S;
	for (int i = 9; i > 0; i--, fraction /= 10)
		text[i] = (char)('0' + fraction % 10);
	add(out, text, sizeof(text));
}

/* The shortest of the usual two precisions that reads back as v. JSON has no NaN and no infinity.
 */
static void add_f64(struct buf *out, double v)
{
	char text[32];
	if (!isfinite(v)) {
		buf_adds(out, "null");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", v);
	if (strtod(text, NULL) < v || strtod(text, NULL) > v)
		snprintf(text, sizeof(text), "%.17g", v);
	buf_adds(out, text);
}

static void add_msg(struct buf *out, const struct msg_schema *s, const void *msg);

static void add_item(struct buf *out, const struct msg_field *f, const void *v, size_t i)
{
	switch (f->kind) {
	case MSG_STRS:
		add_str(out, ((const struct bytes *)v)[i]);
		break;
	case MSG_U64S:
		add_u64(out, ((const uint64_t *)v)[i]);
		break;
	case MSG_COUNTS:
		add_str(out, ((const struct msg_count *)v)[i].name);
		addc(out, ':');
		add_u64(out, ((const struct msg_count *)v)[i].count);
		break;
	default:
		add_msg(out, f->part, (const char *)v + i * f->part->size);
	}
}

static void add_list(struct buf *out, const struct msg_field *f, const struct field_list *list)
{
	addc(out, f->kind == MSG_COUNTS ? '{' : '[');
	for (size_t i = 0; i < list->n && !out->failed; i++) {
		if (i > 0)
			addc(out, ',');
		add_item(out, f, list->v, i);
	}
	addc(out, f->kind == MSG_COUNTS ? '}' : ']');
}

static void add_field(struct buf *out, const struct msg_field *f, const void *at)
{
	switch (f->kind) {
	case MSG_U64:
		add_u64(out, *(const uint64_t *)at);
		break;
	case MSG_I64:
		add_i64(out, *(const int64_t *)at);
		break;
	case MSG_F64:
		add_f64(out, *(const double *)at);
		break;
	case MSG_BOOL:
		buf_adds(out, *(const bool *)at ? "true" : "false");
		break;
	case MSG_STR:
		add_str(out, *(const struct bytes *)at);
		break;
	case MSG_BIN:
		add_base64(out, *(const struct bytes *)at);
		break;
	case MSG_TIME:
		add_time(out, *(const uint64_t *)at);
		break;
	case MSG_STRS:
	case MSG_U64S:
	case MSG_COUNTS:
	case MSG_PARTS:
		add_list(out, f, at);
		break;
	case MSG_PART:
		assert(*(const void *const *)at); /* a required part was not given */
		add_msg(out, f->part, *(const void *const *)at);
		break;
	}
}

/* Rows are objects too: readers of JSON are to find names. */
static void add_msg(struct buf *out, const struct msg_schema *s, const void *msg)
{
	char before = '{';
	for (size_t i = 0; i < s->nfields; i++) {
		const struct msg_field *f = &s->fields[i];
		if (!field_present(f, msg))
			continue;
		addc(out, before);
		before = ',';
		addc(out, '"');
		add(out, f->name, f->name_n); /* an identifier of C: nothing to escape */
		add(out, "\":", 2);
		add_field(out, f, field_at(f, msg));
	}
	buf_adds(out, before == '{' ? "{}" : "}");
}

int msg_json(const struct msg_schema *s, const void *msg, struct buf *out)
{
	add_msg(out, s, msg);
	return out->rc;
}
