/*
 * outlet: where packets go: batches to the journal, and what is in the journal to the bus.
 */
#ifndef CAPTURE_OUTLET_H
#define CAPTURE_OUTLET_H

#include <stdint.h>

#include "proto/msg.h"
#include "rt/bus.h"
#include "storage/journal.h"

struct outlet {
	struct journal *journal;
	struct journal_batch *batch;
	struct bus *bus;   /* borrowed */
	uint64_t *m;       /* metrics, borrowed */
	uint64_t alive_ns; /* time of the last packet or tick */
	int error;         /* what the journal's last append answered */
	struct buf body;
	struct msg_packet_row rows[JOURNAL_BATCH];
};

/* outlet_init: takes the journal. 0 or -ENOMEM. */
int outlet_init(struct outlet *o, struct journal **journal, struct bus *bus, uint64_t *metrics);
void outlet_fini(struct outlet *o); /* flushes first */

/* outlet_packet: one packet; data is copied. Full batches are flushed on the way. A new link type
 * begins a new batch. outlet_flush sends what is gathered: call it when no more packets are at
 * hand. */
void outlet_packet(struct outlet *o, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		   const uint8_t *data);
/* outlet_tick: the clock; flushes. */
void outlet_tick(struct outlet *o, uint64_t ts_ns);
void outlet_flush(struct outlet *o);

#endif
