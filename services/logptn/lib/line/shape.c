#include "logptn/lib/line/shape.h"

#include <stdbool.h>
#include <string.h>

#include "logptn/lib/line/shape_scan.h"
#include "proto/utf8.h"

enum keep { KEEP_ALL, KEEP_LETTERS, KEEP_NONE_MIXED, KEEP_NONE_DIGITS };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
	return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool all_hex(const uint8_t *s, size_t n, bool upper)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f') &&
		    !(upper && s[i] >= 'A' && s[i] <= 'F'))
			return false;
	return true;
}

/* The rule of shape.h for a segment of n bytes with `digits` digits, `trailing` of them at its
 * end. */
static inline enum keep judge(const uint8_t *s, size_t n, size_t digits, size_t trailing)
{
	if (digits == n)
		return KEEP_NONE_DIGITS;
	if (digits == trailing) {
		if (trailing <= 2 && !(n >= 6 && all_hex(s, n, false)))
			return KEEP_ALL;
		return KEEP_LETTERS;
	}
	if (!is_digit(s[0]) && digits <= 2 && n - digits >= 2 * digits && !all_hex(s, n, true))
		return KEEP_ALL;
	return KEEP_NONE_MIXED;
}

/* One pass over a segment that is too long for a mask of 64 bits. */
static enum keep judge_long(const uint8_t *s, size_t n, size_t *trailing)
{
	size_t digits = 0;

	*trailing = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_digit(s[i])) {
			digits++;
			(*trailing)++;
		} else {
			*trailing = 0;
		}
	}
	return judge(s, n, digits, *trailing);
}

size_t shape_map(const uint8_t *line, size_t n, uint8_t *out, uint32_t *map)
{
	size_t o = 0, i = 0;
	bool cut = n > SHAPE_MAX;

	if (cut)
		n = SHAPE_MAX;
#define EMIT(byte, at) (out[o] = (byte), map[o] = (uint32_t)(at), o++)
	while (i < n) {
		uint8_t c = line[i];
		size_t e = i + 1;

		if (is_alnum(c)) {
			bool digit = is_digit(c);
			size_t trailing, keep = 0;
			enum keep k = KEEP_ALL;

			while (e < n && is_alnum(line[e]))
				digit |= is_digit(line[e++]);
			if (digit)
				k = judge_long(line + i, e - i, &trailing);
			if (k == KEEP_ALL)
				keep = e - i;
			else if (k == KEEP_LETTERS)
				keep = e - i - trailing;
			for (size_t j = 0; j < keep; j++)
				EMIT(line[i + j], i + j);
			if (k != KEEP_ALL)
				EMIT(k == KEEP_NONE_MIXED ? SHAPE_MIXED : SHAPE_DIGITS, i + keep);
		} else if (c >= 0x80) {
			uint32_t cp;
			size_t len = utf8_decode(line + i, n - i, &cp);

			if (!len) {
				if (!o || out[o - 1] != SHAPE_BROKEN)
					EMIT(SHAPE_BROKEN, i);
			} else if (cp >= 0xff10 && cp <= 0xff19) { /* full-width digits */
				if (!o || out[o - 1] != SHAPE_WIDE)
					EMIT(SHAPE_WIDE, i);
				e = i + len;
			} else {
				e = i + len;
				for (size_t j = i; j < e; j++)
					EMIT(line[j], j);
			}
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			if (!o || out[o - 1] != SHAPE_CONTROL)
				EMIT(SHAPE_CONTROL, i);
		} else {
			EMIT(c, i);
		}
		i = e;
	}
	if (cut)
		EMIT(SHAPE_CUT, n);
#undef EMIT
	map[o] = (uint32_t)n;
	memset(out + o, 0, 32);
	return o;
}

/* Copies in blocks, at least one, since most texts between digits are short; up to 32 bytes beyond
 * n are read and written. */
static inline __attribute__((always_inline)) void copy_over(uint8_t *to, const uint8_t *from,
							    size_t n)
{
	memcpy(to, from, 32);
	for (size_t i = 32; __builtin_expect(i < n, 0); i += 32)
		memcpy(to + i, from + i, 32);
}

/* Bits [s, e) of a mask as one word, e - s <= 64. */
static inline __attribute__((always_inline)) uint64_t bits(const uint64_t *mask, size_t s, size_t e)
{
	uint64_t x = mask[s / 64] >> (s % 64);

	if (s % 64 && s / 64 != (e - 1) / 64)
		x |= mask[s / 64 + 1] << (64 - s % 64);
	return e - s == 64 ? x : x & ((UINT64_C(1) << (e - s)) - 1);
}

static inline __attribute__((always_inline)) bool is_set(const uint64_t *mask, size_t i)
{
	return mask[i / 64] >> (i % 64) & 1;
}

/* The start of the run of set bits that contains bit d. */
static inline __attribute__((always_inline)) size_t run_start(const uint64_t *mask, size_t d)
{
	size_t w = d / 64;
	uint64_t zeros = ~mask[w] & ((UINT64_C(1) << (d % 64)) - 1);

	while (!zeros) {
		if (!w)
			return 0;
		zeros = ~mask[--w];
	}
	return w * 64 + 64 - (size_t)__builtin_clzll(zeros);
}

/* The end of the run of set bits that contains bit d; a clear bit follows every line. */
static inline __attribute__((always_inline)) size_t run_end(const uint64_t *mask, size_t d)
{
	size_t w = d / 64;
	uint64_t zeros = ~mask[w] & (~UINT64_C(0) << (d % 64));

	while (!zeros)
		zeros = ~mask[++w];
	return w * 64 + (size_t)__builtin_ctzll(zeros);
}

/* The lines that have only printable ASCII in them. */
static inline __attribute__((always_inline)) size_t cut_digits(const uint8_t *line, size_t n,
							       struct shape_masks *m, uint8_t *out)
{
	size_t pos = 0, o = 0, words = n / 64 + 1;

	for (size_t w = 0; w < words; w++) {
		uint64_t todo = m->digit[w];

		while (todo) {
			size_t d = w * 64 + (size_t)__builtin_ctzll(todo), s = d;
			size_t e = run_end(m->digit, d), keep = 0;
			enum keep k = KEEP_NONE_DIGITS;

			/* Letters on neither side: by far the most frequent case. */
			if ((d && is_set(m->alnum, d - 1)) || is_set(m->alnum, e)) {
				size_t trailing, len;

				s = run_start(m->alnum, d);
				e = run_end(m->alnum, d);
				len = e - s;
				if (len <= 64) {
					uint64_t x = bits(m->digit, s, e), inv = ~(x << (64 - len));

					trailing = (size_t)__builtin_clzll(inv);
					k = judge(line + s, len, (size_t)__builtin_popcountll(x),
						  trailing);
				} else {
					k = judge_long(line + s, len, &trailing);
				}
				keep = k == KEEP_LETTERS ? len - trailing : 0;
			}
			if (k != KEEP_ALL) {
				copy_over(out + o, line + pos, s + keep - pos);
				o += s + keep - pos;
				out[o++] = k == KEEP_NONE_MIXED ? SHAPE_MIXED : SHAPE_DIGITS;
				pos = e;
			}
			if (e >= w * 64 + 64) {
				/* What of this segment is in the next words has been seen. */
				for (size_t v = w + 1; v <= e / 64; v++)
					m->digit[v] &= v == e / 64 ? ~UINT64_C(0) << (e % 64) : 0;
				break;
			}
			todo &= ~UINT64_C(0) << (e % 64);
		}
	}
	copy_over(out + o, line + pos, n - pos);
	return o + n - pos;
}

#if defined(__x86_64__)
/* The same code with instructions for bit fields, where scan_avx2 runs. */
__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))) static size_t
cut_digits_bits(const uint8_t *line, size_t n, struct shape_masks *m, uint8_t *out)
{
	return cut_digits(line, n, m, out);
}
#endif

static size_t cut_digits_plain(const uint8_t *line, size_t n, struct shape_masks *m, uint8_t *out)
{
	return cut_digits(line, n, m, out);
}

/* Apart, so that its large arrays are not on the stack of the common case. */
static __attribute__((noinline)) size_t careful(const uint8_t *line, size_t n, uint8_t *out)
{
	uint32_t map[SHAPE_ROOM];

	return shape_map(line, n, out, map);
}

size_t shape_line(const uint8_t *line, size_t n, uint8_t *out)
{
	struct shape_masks m;
	size_t o, all = n;

	if (n > SHAPE_MAX)
		n = SHAPE_MAX;
	if (shape_scan(line, n, &m))
		return careful(line, all, out);
#if defined(__x86_64__)
	o = shape_vector() ? cut_digits_bits(line, n, &m, out) : cut_digits_plain(line, n, &m, out);
#else
	o = cut_digits_plain(line, n, &m, out);
#endif
	if (all > n)
		out[o++] = SHAPE_CUT;
	memset(out + o, 0, 32);
	return o;
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

__extension__ typedef unsigned __int128 u128;

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	u128 r = (u128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

#define K0 UINT64_C(0xa0761d6478bd642f)
#define K1 UINT64_C(0xe7037ed1a0b428db)
#define K2 UINT64_C(0x8ebc6af09c88c6e3)
#define K3 UINT64_C(0x589965cc75374cc3)

/* The first n bytes (n < 8: fewer) of eight, the others zero. */
static inline uint64_t load_some(const uint8_t *p, size_t n)
{
	uint64_t v = load64(p);

	return n >= 8 ? v : v & ((UINT64_C(1) << (8 * n)) - 1);
}

static inline size_t beyond(size_t n, size_t k)
{
	return n > k ? n - k : 0;
}

static uint64_t hash_end(uint64_t a, uint64_t b, const uint8_t *p, size_t rest, size_t n)
{
	a = fold(load_some(p, rest) ^ K2, load_some(p + 8, beyond(rest, 8)) ^ a);
	b = fold(load_some(p + 16, beyond(rest, 16)) ^ K3, load_some(p + 24, beyond(rest, 24)) ^ b);
	return fold(a ^ K1, b ^ n);
}

static inline size_t hash_blocks(const uint8_t *p, size_t n, uint64_t *a, uint64_t *b)
{
	size_t i = 0;

	*a = K0;
	*b = K1;
	for (; i + 32 <= n; i += 32) {
		*a = fold(load64(p + i) ^ K2, load64(p + i + 8) ^ *a);
		*b = fold(load64(p + i + 16) ^ K3, load64(p + i + 24) ^ *b);
	}
	return i;
}

uint64_t shape_hash(const uint8_t *p, size_t n)
{
	uint64_t a, b;
	size_t i = hash_blocks(p, n, &a, &b);

	return hash_end(a, b, p + i, n - i, n);
}

uint64_t shape_hash_any(const uint8_t *p, size_t n)
{
	uint64_t a, b;
	size_t i = hash_blocks(p, n, &a, &b);
	uint8_t tail[32] = {0};

	memcpy(tail, p + i, n - i);
	return hash_end(a, b, tail, n - i, n);
}
