/*
 * wire: a cursor over untrusted msgpack bytes.
 *
 * The first thing that is wrong (bytes that end too early, another type than asked for, a declared
 * length or count that the bytes at hand cannot hold) sets `failed`. From then on every read
 * returns zero or empty, so that a parser reads on and asks once. Nothing is allocated and nothing
 * recurses: the nesting that a reader follows is the one of its own calls, and wire_skip counts
 * what is open instead of descending.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct wire {
	const uint8_t *p, *end;
	bool failed;
};

void wire_init(struct wire *w, struct bytes in);
/* wire_end: the bytes were all read and nothing failed. */
bool wire_end(const struct wire *w);
void wire_fail(struct wire *w);

/* Integers of any width and either sign that fit the asked type. */
uint64_t wire_u64(struct wire *w);
int64_t wire_i64(struct wire *w);
/* wire_f64: a float of either width, or an integer. */
double wire_f64(struct wire *w);
bool wire_bool(struct wire *w);
/* wire_nil: takes a nil if one is next. */
bool wire_nil(struct wire *w);
/* Borrowed from the input; p is set, even when n is 0. */
struct bytes wire_str(struct wire *w);
struct bytes wire_bin(struct wire *w);
/* wire_array, wire_map: the number of elements, or of key-value pairs, that follow. At least so
 * many bytes (twice as many for a map) are at hand. */
size_t wire_array(struct wire *w);
size_t wire_map(struct wire *w);
/* wire_skip: passes over one value of any type. */
void wire_skip(struct wire *w);

#endif
