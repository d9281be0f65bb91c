/*
 * metrics: what capture counts. For any period: received = packets + dropped_journal + dropped_size
 * + dropped_empty, to the packet; the kernel's own count of what passed the filter is received +
 * dropped_kernel + what waits in the ring.
 */
#ifndef CAPTURE_METRICS_H
#define CAPTURE_METRICS_H

#include "rt/metric.h"

/* clang-format off */
#define CAPTURE_METRICS(X) \
	X(received,               COUNTER, "packets",  "taken from the interface or the file") \
	X(packets,                COUNTER, "packets",  "written to the journal and published") \
	X(packet_bytes,           COUNTER, "bytes",    "of them, as captured") \
	X(ticks,                  COUNTER, "ticks",    "written to the journal and published") \
	X(batches,                COUNTER, "messages", "published") \
	X(kernel_packets,         COUNTER, "packets",  "passed the kernel filter, by the kernel's count") \
	X(journal_removed,        COUNTER, "segments", "removed to keep the journal bounded") \
	X(interface_down,         COUNTER, "times",    "the interface went away or down") \
	X(dropped_kernel,         DROP,    "packets",  "lost because the ring was full, by the kernel's count") \
	X(dropped_interface,      DROP,    "packets",  "lost by the interface, by its count") \
	X(dropped_journal,        DROP,    "packets",  "not written because the disk refused") \
	X(dropped_size,           DROP,    "packets",  "larger than the largest packet of a journal") \
	X(dropped_empty,          DROP,    "packets",  "without a byte in a capture file") \
	X(journal_removed_unread, DROP,    "packets",  "in removed segments that flowagg had not taken in") \
	X(first_number,           GAUGE,   "packets",  "that next_number was when this run began") \
	X(next_number,            GAUGE,   "packets",  "number of the next packet") \
	X(journal_bytes,          GAUGE,   "bytes",    "of all segments") \
	X(journal_segments,       GAUGE,   "segments", "in the journal") \
	X(ring_bytes,             GAUGE,   "bytes",    "of the ring that kernel and capture share") \
	X(waiting,                GAUGE,   "bool",     "1 while a file waits for flowagg to take in what it was given")
/* clang-format on */

enum {
#define X(name, kind, unit, help) M_##name,
	CAPTURE_METRICS(X)
#undef X
		M_COUNT
};

#endif
