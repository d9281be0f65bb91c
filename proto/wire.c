/* Format bytes are those of the msgpack specification, "Overview" table. */
#include "proto/wire.h"

#include <string.h>

void wire_init(struct wire *w, struct bytes in)
{
	*w = (struct wire){.p = in.p, .end = in.n > 0 ? in.p + in.n : in.p};
}

bool wire_end(const struct wire *w)
{
	return !w->failed && w->p == w->end;
}

void wire_fail(struct wire *w)
{
	w->failed = true;
	w->p = w->end;
}

static size_t left(const struct wire *w)
{
	return (size_t)(w->end - w->p);
}

/* The next n bytes, or NULL after a failure. */
static const uint8_t *take(struct wire *w, size_t n)
{
	if (left(w) < n || w->failed) {
		wire_fail(w);
		return NULL;
	}
	const uint8_t *p = w->p;
	w->p += n;
	return p;
}

/* A big-endian unsigned integer of n bytes, n in 1, 2, 4, 8. */
static uint64_t take_be(struct wire *w, size_t n)
{
	const uint8_t *p = take(w, n);
	if (!p)
		return 0;
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* The next format byte; 0xc1, which the specification never uses, after a failure. */
static uint8_t take_format(struct wire *w)
{
	const uint8_t *p = take(w, 1);
	return p ? *p : 0xc1;
}

/* Reads an integer. Returns true for a negative one, in two's complement in *v. */
static bool take_int(struct wire *w, uint64_t *v)
{
	uint8_t c = take_format(w);
	*v = 0;
	if (c < 0x80) {
		*v = c;
		return false;
	}
	if (c >= 0xe0) {
		*v = (uint64_t)(int64_t)(int8_t)c;
		return true;
	}
	switch (c) {
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xcf:
		*v = take_be(w, (size_t)1 << (c - 0xcc));
		return false;
	case 0xd0:
		*v = (uint64_t)(int64_t)(int8_t)take_be(w, 1);
		break;
	case 0xd1:
		*v = (uint64_t)(int64_t)(int16_t)take_be(w, 2);
		break;
	case 0xd2:
		*v = (uint64_t)(int64_t)(int32_t)take_be(w, 4);
		break;
	case 0xd3:
		*v = take_be(w, 8);
		break;
	default:
		wire_fail(w);
		return false;
	}
	return *v >> 63;
}

uint64_t wire_u64(struct wire *w)
{
	uint64_t v;
	if (take_int(w, &v)) {
		wire_fail(w);
		return 0;
	}
	return v;
}

int64_t wire_i64(struct wire *w)
{
	uint64_t v;
	if (!take_int(w, &v) && v > INT64_MAX) {
		wire_fail(w);
		return 0;
	}
	return (int64_t)v;
}

double wire_f64(struct wire *w)
{
	uint8_t c = left(w) > 0 ? *w->p : 0xc1;
	if (c == 0xca) {
		w->p++;
		uint32_t bits = (uint32_t)take_be(w, 4);
		float f;
		memcpy(&f, &bits, sizeof f);
		return (double)f;
	}
	if (c == 0xcb) {
		w->p++;
		uint64_t bits = take_be(w, 8);
		double d;
		memcpy(&d, &bits, sizeof d);
		return d;
	}
	uint64_t v;
	return take_int(w, &v) ? (double)(int64_t)v : (double)v;
}

bool wire_bool(struct wire *w)
{
	uint8_t c = take_format(w);
	if (c != 0xc2 && c != 0xc3)
		wire_fail(w);
	return c == 0xc3;
}

bool wire_nil(struct wire *w)
{
	if (left(w) == 0 || *w->p != 0xc0)
		return false;
	w->p++;
	return true;
}

static struct bytes take_run(struct wire *w, size_t n)
{
	const uint8_t *p = take(w, n);
	return p ? (struct bytes){.p = p, .n = n} : (struct bytes){0};
}

struct bytes wire_str(struct wire *w)
{
	uint8_t c = take_format(w);
	if ((c & 0xe0) == 0xa0)
		return take_run(w, c & 0x1f);
	if (c < 0xd9 || c > 0xdb) {
		wire_fail(w);
		return (struct bytes){0};
	}
	return take_run(w, take_be(w, (size_t)1 << (c - 0xd9)));
}

struct bytes wire_bin(struct wire *w)
{
	uint8_t c = take_format(w);
	if (c < 0xc4 || c > 0xc6) {
		wire_fail(w);
		return (struct bytes){0};
	}
	return take_run(w, take_be(w, (size_t)1 << (c - 0xc4)));
}

/* A count of elements that take at least `each` bytes each. */
static size_t checked(struct wire *w, uint64_t n, size_t each)
{
	if (n > left(w) / each) {
		wire_fail(w);
		return 0;
	}
	return n;
}

size_t wire_array(struct wire *w)
{
	uint8_t c = take_format(w);
	if ((c & 0xf0) == 0x90)
		return checked(w, c & 0x0f, 1);
	if (c != 0xdc && c != 0xdd) {
		wire_fail(w);
		return 0;
	}
	return checked(w, take_be(w, c == 0xdc ? 2 : 4), 1);
}

size_t wire_map(struct wire *w)
{
	uint8_t c = take_format(w);
	if ((c & 0xf0) == 0x80)
		return checked(w, c & 0x0f, 2);
	if (c != 0xde && c != 0xdf) {
		wire_fail(w);
		return 0;
	}
	return checked(w, take_be(w, c == 0xde ? 2 : 4), 2);
}

/* Passes over one value, or over the head of a container; returns the number of values inside it.
 */
static uint64_t skip_one(struct wire *w)
{
	uint8_t c = take_format(w);
	if (c < 0x80 || c >= 0xe0)
		return 0; /* fixint */
	if (c < 0x90)
		return 2 * (uint64_t)(c & 0x0f); /* fixmap */
	if (c < 0xa0)
		return c & 0x0f; /* fixarray */
	if (c < 0xc0) {
		take(w, c & 0x1f); /* fixstr */
		return 0;
	}
	switch (c) {
	case 0xc0: /* nil, false, true */
	case 0xc2:
	case 0xc3:
		break;
	case 0xc4: /* bin */
	case 0xc5:
	case 0xc6:
		take(w, take_be(w, (size_t)1 << (c - 0xc4)));
		break;
	case 0xc7: /* ext: length, type, data */
	case 0xc8:
	case 0xc9:
		take(w, take_be(w, (size_t)1 << (c - 0xc7)) + 1);
		break;
	case 0xca: /* float */
	case 0xcb:
		take(w, (size_t)4 << (c - 0xca));
		break;
	case 0xcc: /* uint */
	case 0xcd:
	case 0xce:
	case 0xcf:
		take(w, (size_t)1 << (c - 0xcc));
		break;
	case 0xd0: /* int */
	case 0xd1:
	case 0xd2:
	case 0xd3:
		take(w, (size_t)1 << (c - 0xd0));
		break;
	case 0xd4: /* fixext: type, data */
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8:
		take(w, ((size_t)1 << (c - 0xd4)) + 1);
		break;
	case 0xd9: /* str */
	case 0xda:
	case 0xdb:
		take(w, take_be(w, (size_t)1 << (c - 0xd9)));
		break;
	case 0xdc: /* array */
	case 0xdd:
		return take_be(w, c == 0xdc ? 2 : 4);
	case 0xde: /* map */
	case 0xdf:
		return 2 * take_be(w, c == 0xde ? 2 : 4);
	default: /* 0xc1, also after a failure */
		wire_fail(w);
	}
	return 0;
}

void wire_skip(struct wire *w)
{
	/* Each turn takes a byte and opens less than 2^33 values, so this ends and does not
	 * overflow. */
	for (uint64_t open = 1; open > 0 && !w->failed; open--)
		open += skip_one(w);
}
