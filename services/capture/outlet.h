/*
 * outlet: where packets go. A batch is appended to the journal first and then published on the bus.
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
	int error;         /* result of the journal's last append */
	struct buf body;
	struct msg_packet_row rows[JOURNAL_BATCH];
};

/* outlet_init: takes ownership of the journal. 0 or -ENOMEM. */
int outlet_init(struct outlet *o, struct journal **journal, struct bus *bus, uint64_t *metrics);
void outlet_fini(struct outlet *o); /* flushes first */

/* outlet_packet: adds a packet to the batch; data is copied. A full batch is flushed, and so is the
 * current one when the link type changes. outlet_flush sends the current batch: call it when no
 * further packet waits. */
void outlet_packet(struct outlet *o, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		   const uint8_t *data);
/* outlet_tick: appends a tick, which carries only the time, and flushes. */
void outlet_tick(struct outlet *o, uint64_t ts_ns);
void outlet_flush(struct outlet *o);

#endif
