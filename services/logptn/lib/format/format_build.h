/*
 * format_build: the steps of formats_make for one log template; for format.c only.
 */
#ifndef LOGPTN_LIB_FORMAT_FORMAT_BUILD_H
#define LOGPTN_LIB_FORMAT_FORMAT_BUILD_H

#include "logptn/lib/format/format.h"

/* The whole pattern of a log template: its header's codes, then its message's. */
struct format_codes {
	uint32_t code[2 * TOK_MAX];
	uint8_t column[2 * TOK_MAX]; /* of each code; HEADER_COLUMNS: none */
	uint32_t n, body;            /* body: where the message starts */
};

/* format_codes: what the headers of the skeletons m->skel have in common, and the codes of q. */
void format_codes(const struct formats *f, const struct format *m, const struct pat *q,
		  struct format_codes *c);

/* format_segments: m->seg from the codes, with the types and characters of values from all
 * skeletons, and a name for each value. 0 or -ENOMEM. */
int format_segments(struct formats *f, struct format *m, const struct format_codes *c);

/* format_identify: m->id. 0 or -ENOMEM. */
int format_identify(const struct formats *f, struct format *m, const struct format_codes *c);

/* format_template: m->template. 0 or -ENOMEM. */
int format_template(struct formats *f, struct format *m);

/* format_ancestry: m->fresh and m->was. 0 or -ENOMEM. */
int format_ancestry(struct formats *f, struct format *m);

#endif
