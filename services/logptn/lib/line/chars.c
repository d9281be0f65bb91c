#include "logptn/lib/line/chars.h"

#include "logptn/lib/line/shape.h"

/* CHARS_PUNCT in ASCII order falls into four runs: 21-2f, 3a-40, 5b-60, 7b-7e. */
static unsigned punct_index(uint8_t c)
{
	if (c < 0x30)
		return c - 0x21u;
	if (c < 0x41)
		return c - 0x3au + 15;
	if (c < 0x61)
		return c - 0x5bu + 22;
	return c - 0x7bu + 28;
}

static uint64_t class_of(uint8_t c)
{
	switch (c) {
	case SHAPE_DIGITS:
		return CHARS_DIGIT;
	case SHAPE_MIXED:
		return CHARS_DIGIT | CHARS_LOWER | CHARS_UPPER;
	case SHAPE_CONTROL:
		return CHARS_CONTROL;
	case SHAPE_CUT:
		return CHARS_ALL;
	case SHAPE_BROKEN:
		return CHARS_HIGH;
	case SHAPE_WIDE:
		return CHARS_HIGH;
	default:
		break;
	}
	if (c >= 0x80)
		return CHARS_HIGH;
	if (c == ' ' || c == '\t')
		return CHARS_SPACE;
	if (c < 0x20 || c == 0x7f)
		return CHARS_CONTROL;
	if (c >= '0' && c <= '9')
		return CHARS_DIGIT;
	if (c >= 'a' && c <= 'z')
		return CHARS_LOWER;
	if (c >= 'A' && c <= 'Z')
		return CHARS_UPPER;
	return UINT64_C(1) << (CHARS_PUNCT_SHIFT + punct_index(c));
}

uint64_t chars_of_shape(const uint8_t *p, size_t n)
{
	uint64_t set = 0;

	for (size_t i = 0; i < n; i++)
		set |= class_of(p[i]);
	return set;
}
