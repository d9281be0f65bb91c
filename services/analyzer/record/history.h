/*
 * history: the parts of a record that depend on earlier records: whether its payload class is new,
 * whether its source had sent a bare SYN before, and whether several SYNs share a scanner's key.
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

/* What history needs to know of a flow: plain values, which can be passed between processes. */
struct history_in {
	struct addr src;
	uint64_t ts_ns;
	bool bare; /* the source sent only SYNs and RSTs; syn is set */
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

/* history_of: fills *out from a record that record_fill has just made. */
void history_of(const struct record *r, const struct flow *f, struct history_in *out);
/* history_note: notes a record and fills *out; called for the records in order. */
void history_note(struct history *h, const struct history_in *in, struct history_out *out);

#endif
