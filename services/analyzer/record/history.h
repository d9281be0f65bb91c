/*
 * history: what a record says because of the ones before it: whether its payload class is new,
 * whether the source came back after a bare SYN, and whose key several SYNs of one source share.
 */
#ifndef ANALYZER_HISTORY_H
#define ANALYZER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "class/class.h"
#include "class/class_seen.h"
#include "record/record.h"
#include "who/phase.h"

struct history {
	struct class_seen *seen;
	struct who_phase *phase;
};

/* What has to be known of a flow: plain values, so that it can travel between processes of one
 * program. */
struct history_in {
	struct addr src;
	uint64_t ts_ns;
	bool bare; /* the source sent no more than SYNs (and RSTs); syn is set */
	bool real; /* the source completed a connection */
	struct who_syn syn;
	struct who_tool tool;
	bool classed;
	uint8_t class[CLASS_SEEN_ID];
};

struct history_out {
	bool first_seen, two_phase;
	struct who_tool tool; /* name NULL: none */
};

/* history_init: max_classes and max_sources bound the two tables. 0 or -errno. */
int history_init(struct history *h, size_t max_classes, size_t max_sources);
void history_fini(struct history *h);

/* history_of: what history_note wants to know of a record just filled. */
void history_of(const struct record *r, const struct flow *f, struct history_in *out);
/* history_note: to be called for the records in order. */
void history_note(struct history *h, const struct history_in *in, struct history_out *out);

#endif
