/*
 * slack_text: records as a message for people. Pure.
 *
 * What an attacker sent is fenced as code and cannot leave the fence, call people (@channel,
 * <!here>) or make links: the characters of Slack's markup are escaped, and back quotes replaced.
 */
#ifndef FORWARDER_SLACK_TEXT_H
#define FORWARDER_SLACK_TEXT_H

#include <json.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

/* Records shown in one message, and bytes of the readable payload of each. */
#define SLACK_SHOWN    5
#define SLACK_READABLE 600
/* Ports named among the records that are not shown. */
#define SLACK_PORTS 8

struct slack_text {
	struct buf text; /* mrkdwn, not yet JSON */
	size_t n, shown;
	struct {
		uint64_t port, count;
	} ports[SLACK_PORTS];
	size_t nports;
	uint64_t other; /* records of further ports */
};

void slack_text_init(struct slack_text *t);
void slack_text_fini(struct slack_text *t);
void slack_text_clear(struct slack_text *t);
/* slack_text_add: the first SLACK_SHOWN records in full, the others in numbers. 0 or -errno. */
int slack_text_add(struct slack_text *t, struct json_object *record);
/* slack_text_body: appends the request's JSON to out. 0 or -errno. */
int slack_text_body(const struct slack_text *t, struct buf *out);

#endif
