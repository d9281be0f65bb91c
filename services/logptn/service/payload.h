/*
 * payload: from an analysis record to the lines that are clustered.
 */
#ifndef LOGPTN_SERVICE_PAYLOAD_H
#define LOGPTN_SERVICE_PAYLOAD_H

#include <stdint.h>

#include "proto/buf.h"

/* Bytes of a first line that are looked at. */
#define PAYLOAD_LINE_MAX  2048u
#define PAYLOAD_GROUP_MAX 32u

/* A line and the group it is clustered in: the protocol (http, redis, …; "unknown"), or
 * "http-user-agent". */
struct payload_line {
	char group[PAYLOAD_GROUP_MAX];
	const uint8_t *p; /* SHAPE_SLACK readable bytes behind it */
	size_t n;
};

struct payload {
	struct payload_line line[2];
	unsigned n;
	uint64_t first_ns;
	uint32_t port;
	uint8_t text[2][PAYLOAD_LINE_MAX + 64];
};

/* payload_parse: one line of records/analysis. 0 (out->n may be 0: the flow had no payload), or
 * -EBADMSG. */
int payload_parse(struct bytes json, struct payload *out);

#endif
