/*
 * record: the analysis record of a finished flow.
 */
#ifndef ANALYZER_RECORD_H
#define ANALYZER_RECORD_H

#include <stdbool.h>

#include "app/app.h"
#include "class/class.h"
#include "pkt/flowid.h"
#include "proto/msg.h"
#include "record/memo.h"
#include "storage/observed.h"
#include "table/flow.h"
#include "who/syn.h"

/* Where the flow was found. */
struct record_source {
	const char *sensor;
	const char *key;      /* object key of its file */
	const char *s3path;   /* destination and key */
	const char *observed; /* "PRIVATE=PUBLIC" (storage/observed.h); NULL: not known */
	bool broken;          /* the file breaks off: flows that were open are cut */
	/* a stream without a name: capture_reader makes its key from its first packet */
	bool nameless;
	char stream_key[48];
};

#define RECORD_MAX_CUTS 6
/* Most bytes of a record as JSON: the payload as base64, as text (escapes take twice the room), and
 * parts of it once more. */
#define RECORD_LINE_MAX(max_payload) ((size_t)(max_payload)*10 + (8u << 20))

/* One record and its memory, which is used for one flow after the other. */
struct record {
	struct msg_analysis m;
	/* Set by the owner: m may lack the rows that known has as JSON. */
	bool lean;
	int initiator;
	struct addr src; /* initiator's */
	struct who_tool tool;
	uint32_t first_wraps,
		last_wraps; /* of m.init_ts and m.last_ts: how often 2^64 ns (see capfile.h) */
	/* What m borrows. */
	const struct memo_known *known; /* what the payload says; it may have rows of m as text */
	char src_text[ADDR_TEXT_MAX], dst_text[ADDR_TEXT_MAX], proto[4];
	char observed[OBSERVED_ADDR];
	char flow_id[FLOWID_TEXT], community[32];
	char syn[WHO_SYN_MAX], tunnel[2 * ADDR_TEXT_MAX + 16];
	struct bytes cuts[RECORD_MAX_CUTS];
	struct memo *memo;
};

/* record_init: max_payload is the stream limit. 0 or -ENOMEM. */
int record_init(struct record *r, uint32_t max_payload);
void record_fini(struct record *r);

/* record_end: called after the last flow of a file. */
void record_end(struct record *r);
/* record_ahead: loads into the cache what the record of f will need, soon or (near) after the next
 * few. Only a hint. */
void record_ahead(const struct record *r, const struct flow *f, bool near);
/* record_fill: makes r->m from the flow, except what depends on other flows (first_seen, two_phase)
 * or on files (geo). It finishes the flow's streams. r->m borrows from r, f and src until the next
 * call. 0 or -errno. */
int record_fill(struct record *r, const struct record_source *src, const struct stream_limits *l,
		struct flow *f);

#endif
