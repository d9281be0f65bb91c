/*
 * query_filter: which records a query selects.
 */
#ifndef LURKER_QUERY_FILTER_H
#define LURKER_QUERY_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "proto/buf.h"

struct json_object;

/* The options as the user wrote them. NULL and false select everything. */
struct query_filter_args {
	const char *since, *until, *address, *source, *port, *proto, *text;
	bool verified, is_new;
};

struct query_filter {
	uint64_t since_ns, until_ns; /* [since, until) */
	bool has_address, has_source, has_port, verified, is_new;
	struct net address, source;
	uint16_t port_lo, port_hi;
	const char *proto, *text; /* borrowed from query_filter_args */
};

/* query_filter_init: 0, or -EINVAL with the wrong option and what is expected in err. */
int query_filter_init(struct query_filter *m, const struct query_filter_args *t, uint64_t now_ns,
		      char *err, size_t errlen);
/* query_filter_day: whether the file of a day (YYYYMMDD, UTC) can hold matches. A record is in the
 * file of the day on which it was written, which is never before its flow began. */
bool query_filter_day(const struct query_filter *m, uint32_t day);
/* query_filter_line: 1: the line is a match, with the parsed record in *out (json_object_put it);
 * 0: no match; -EBADMSG: not a record; -ENOMEM. */
int query_filter_line(const struct query_filter *m, struct bytes line, struct json_object **out);

#endif
