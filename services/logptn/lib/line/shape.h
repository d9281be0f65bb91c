/*
 * shape: what is left of a line when its digits are taken away.
 *
 * The fast path of logptn. Equal shapes always have the same skeleton (token.h), so that a table
 * from the hash of a shape to its skeleton saves the work of finding tokens for nearly every line.
 *
 * A segment is a run of ASCII letters and digits that contains a digit. In the shape
 *   - a segment of digits only is one SHAPE_DIGITS;
 *   - letters and then digits keep the letters; more than two digits become SHAPE_DIGITS, fewer
 *     stay (eth0, ssh2 are names); a segment that reads as hexadecimal does not keep its digits;
 *   - any other mixture is one SHAPE_MIXED, unless it is a name with a digit or two in it (log4j).
 * Control bytes, broken UTF-8 and the cut at SHAPE_MAX leave one mark each. All other bytes are
 * kept.
 */
#ifndef LOGPTN_LIB_LINE_SHAPE_H
#define LOGPTN_LIB_LINE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SHAPE_DIGITS = 1,
	SHAPE_MIXED = 2,
	SHAPE_CONTROL = 3,
	SHAPE_CUT = 4,
	SHAPE_BROKEN = 5,
	SHAPE_WIDE = 6, /* full-width digits */
};

/* shape_mark: a byte of a shape that stands for digits, or for bytes that are not text. */
static inline bool shape_mark(uint8_t c)
{
	return c && c <= SHAPE_WIDE;
}

/* shape_alnum: a letter, a digit or a mark: what always continues a word. */
static inline bool shape_alnum(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' ||
	       shape_mark(c);
}

/* Bytes of a line that are looked at; the rest is one SHAPE_CUT. */
#define SHAPE_MAX 16384u
/* Bytes that must be readable beyond the end of a line given to shape_line. Their values do not
 * matter. */
#define SHAPE_SLACK 64u
/* Room of the output of shape_line and shape_map. */
#define SHAPE_ROOM (SHAPE_MAX + 2 * SHAPE_SLACK)

/* shape_line: writes the shape of line[0..n) to out and zeros up to 32 bytes behind it. Returns its
 * length. */
size_t shape_line(const uint8_t *line, size_t n, uint8_t *out);

/* shape_map: the same shape, byte by byte, with the place in the line of each byte of the shape;
 * map has SHAPE_ROOM entries and map[length] is where the shape's text ends. The reference for
 * shape_line. */
size_t shape_map(const uint8_t *line, size_t n, uint8_t *out, uint32_t *map);

/* shape_hash: 64 bits of p[0..n); 32 bytes beyond n must be readable and are ignored. The same on
 * all machines. */
uint64_t shape_hash(const uint8_t *p, size_t n);

/* shape_hash_any: the same value, for bytes with nothing readable behind them. */
uint64_t shape_hash_any(const uint8_t *p, size_t n);

/* shape_vector: 1 if this machine runs the AVX2 version; shape_force_scalar makes it not (for
 * tests). */
int shape_vector(void);
void shape_force_scalar(int on);

#endif
