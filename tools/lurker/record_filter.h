/*
 * record_filter: which records a query wants.
 */
#ifndef LURKER_RECORD_FILTER_H
#define LURKER_RECORD_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "proto/buf.h"

struct json_object;

/* As the user wrote it; NULL means any. */
struct record_filter_text {
	const char *since, *until, *address, *source, *port, *proto, *text;
	bool verified, is_new;
};

struct record_filter {
	uint64_t since_ns, until_ns; /* [since, until) */
	bool has_address, has_source, has_port, verified, is_new;
	struct net address, source;
	uint16_t port_lo, port_hi;
	const char *proto, *text; /* borrowed from match_text */
};

/* record_filter_init: 0, or -EINVAL with the option and what is expected in err. */
int record_filter_init(struct record_filter *m, const struct record_filter_text *t, uint64_t now_ns,
		       char *err, size_t errlen);
/* record_filter_day: whether the file of a day (YYYYMMDD, UTC) can hold matches. Records stand in the file
 * of the day they were written, which is never before their flow began. */
bool record_filter_day(const struct record_filter *m, uint32_t day);
/* record_filter_line: 1 with the parsed record in *out (json_object_put it), 0 no match, -EBADMSG not a
 * record. */
int record_filter_line(const struct record_filter *m, struct bytes line, struct json_object **out);

#endif
