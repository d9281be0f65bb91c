/*
 * format_msg: a log template as a message of the topic `format`.
 */
#ifndef LOGPTN_SERVICE_FORMAT_MSG_H
#define LOGPTN_SERVICE_FORMAT_MSG_H

#include "logptn/lib/format/format.h"
#include "proto/msg.h"

#define FORMAT_MSG_EXAMPLES 3u
#define FORMAT_MSG_PORTS    16u /* further ones are counted under "other" */
#define FORMAT_MSG_WAS      64u

struct format_msg {
	struct msg_format msg; /* borrows from the rest, and from what it was made of */
	char *regex;
	struct bytes examples[FORMAT_MSG_EXAMPLES], was[FORMAT_MSG_WAS];
	struct msg_count ports[FORMAT_MSG_PORTS + 1];
	char names[FORMAT_MSG_PORTS][8];
};

/* format_msg_init: the message for m of f, found in lines of the protocol `app`. out->msg is valid
 * as long as out stays where it is, f and app are there, and until format_msg_fini. Out of memory
 * the message has no expression. */
void format_msg_init(struct format_msg *out, const char *app, const struct formats *f,
		     const struct format *m);
void format_msg_fini(struct format_msg *out);

#endif
