/*
 * scan: the members of a JSON object as they stand in its text, for readers of many lines that want
 * few of their members.
 *
 * Nothing is copied or allocated, and what lies inside a value is not looked at further than to
 * find its end: a scan that came to its end has seen an object whose strings and brackets close,
 * not more.
 */
#ifndef PROTO_SCAN_H
#define PROTO_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

struct scan {
	const uint8_t *p, *end;
	bool begun;
	int rc; /* what the last call returned */
};

void scan_init(struct scan *s, struct bytes text);
/* scan_next: the next member's key and value, borrowed from the text: the key without its quotes,
 * the value with all that belongs to it. 1; 0 behind the last one; -EBADMSG: this is no object, and
 * stays so. */
int scan_next(struct scan *s, struct bytes *key, struct bytes *value);

/* scan_string: what stands between the quotes of a value; absent if it is no string. Escapes stay
 * as they are. */
struct bytes scan_string(struct bytes value);
/* scan_u64: a value of digits only, as far as 64 bits hold it; 0 for another. */
uint64_t scan_u64(struct bytes value);

#endif
