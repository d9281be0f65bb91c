/*
 * json: a message as one JSON object (RFC 8259), straight from the tables into the buffer.
 *
 * Characters that mislead a reader or a terminal (utf8_misleads) are escaped too, since
 * the strings are the attackers'.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proto/base64.h"
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
	char text[6] = {'\\'};
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
		text[2] = hex[c >> 12 & 15];
		text[3] = hex[c >> 8 & 15];
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

/* special: the high bit of each byte of w that is not plain. No carry leaves a byte: seven bits and
 * at most 0x7f. */
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
#ifdef __SSE2__
	/* As signed bytes, what has the high bit is below the space too. */
	const __m128i before_space = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f),
		      quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	for (; n - i >= sizeof(__m128i); i += sizeof(__m128i)) {
		__m128i v = _mm_loadu_si128((const void *)(p + i));
		__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash));
		__m128i good = _mm_cmpgt_epi8(v, before_space);
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, del));
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(bad, good)) ^ 0xffffu;
		if (found)
			return i + (size_t)__builtin_ctz(found);
	}
#endif
	for (; n - i >= sizeof w; i += sizeof w) {
		memcpy(&w, p + i, sizeof w);
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
		uint32_t cp = 0;
		size_t len = utf8_decode(s.p + i, s.n - i, &cp);
		if (len > 1 && !utf8_misleads(cp)) {
			i += len;
			continue;
		}
		add(out, s.p + from, i - from);
		if (len == 0) {
			addc(out, '.');
			len = 1;
		} else if (cp > 0xffff) { /* a surrogate pair (RFC 8259 section 7) */
			add_escape(out, 0xd800 + ((cp - 0x10000) >> 10));
			add_escape(out, 0xdc00 + ((cp - 0x10000) & 0x3ff));
		} else {
			add_escape(out, cp);
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
	uint8_t *to = buf_room(out, BASE64_LEN(b.n));
	if (!to)
		return;
	out->n += base64_encode(b.p, b.n, to);
	addc(out, '"');
}

/* Two digits at a time. */
static char *digits_before(char *p, uint64_t v)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

	for (; v >= 100; v /= 100)
		memcpy(p -= 2, pairs + 2 * (v % 100), 2);
	if (v >= 10)
		memcpy(p -= 2, pairs + 2 * v, 2);
	else
		*--p = (char)('0' + v);
	return p;
}

static void add_u64(struct buf *out, uint64_t v)
{
	char text[20], *end = text + sizeof text, *p = digits_before(end, v);

	add(out, p, (size_t)(end - p));
}

static void add_i64(struct buf *out, int64_t v)
{
	if (v < 0)
		addc(out, '-');
	add_u64(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void add_time(struct buf *out, uint64_t ns)
{
	char text[32], *end = text + sizeof text;

	/* A one in front keeps the zeros. */
	char *p = digits_before(end, NS_PER_S + ns % NS_PER_S);
	*p = '.';
	p = digits_before(p, ns / NS_PER_S);
	add(out, p, (size_t)(end - p));
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
	snprintf(text, sizeof text, "%.15g", v);
	if (strtod(text, NULL) < v || strtod(text, NULL) > v)
		snprintf(text, sizeof text, "%.17g", v);
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

/* add_rows: those of the rows [from, to) that are there, before each what is in *before; it becomes
 * a comma. Rows that a piece has are taken from there. */
static void add_rows(struct buf *out, const struct msg_schema *s, const void *msg, size_t from,
		     size_t to, char *before, const struct msg_piece *piece, size_t npieces)
{
	for (size_t i = from; i < to; i++) {
		const struct msg_field *f = &s->fields[i];
		if (npieces && i == piece->from) {
			add(out, piece->text.p, piece->text.n);
			i = piece->to - 1;
			piece++;
			npieces--;
			continue;
		}
		if (!field_present(f, msg))
			continue;
		addc(out, *before);
		*before = ',';
		add(out, f->key, f->name_n + 3);
		add_field(out, f, field_at(f, msg));
	}
}

/* Rows are objects too: readers of JSON are to find names. */
static void add_object(struct buf *out, const struct msg_schema *s, const void *msg,
		       const struct msg_piece *pieces, size_t npieces)
{
	char before = '{';

	add_rows(out, s, msg, 0, s->nfields, &before, pieces, npieces);
	if (before == '{')
		addc(out, '{');
	addc(out, '}');
}

static void add_msg(struct buf *out, const struct msg_schema *s, const void *msg)
{
	add_object(out, s, msg, NULL, 0);
}

int msg_json(const struct msg_schema *s, const void *msg, struct buf *out)
{
	add_msg(out, s, msg);
	return out->rc;
}

int msg_json_rows(const struct msg_schema *s, const void *msg, size_t from, size_t to,
		  struct buf *out)
{
	char before = ',';

	add_rows(out, s, msg, from, to, &before, NULL, 0);
	return out->rc;
}

int msg_json_pieces(const struct msg_schema *s, const void *msg, const struct msg_piece *pieces,
		    size_t npieces, struct buf *out)
{
	add_object(out, s, msg, pieces, npieces);
	return out->rc;
}
