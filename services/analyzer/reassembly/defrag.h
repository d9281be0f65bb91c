/*
 * defrag: reassembles IP fragments, IPv4 (RFC 791, RFC 815) and IPv6 (RFC 8200 section 4.5), in one
 * table.
 *
 * A fragment begins at a multiple of 8 bytes, so one bit tells whether 8 bytes are there; the last
 * fragment sets the length. The first arrival of a byte wins. The table is bounded in datagrams and
 * in bytes, and evicts the oldest incomplete datagram. Incomplete datagrams are dropped after
 * DEFRAG_TIMEOUT_NS of packet time.
 */
#ifndef ANALYZER_DEFRAG_H
#define ANALYZER_DEFRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"

/* RFC 8200 4.5. */
#define DEFRAG_TIMEOUT_NS 60000000000u

struct defrag_limits {
	uint32_t max_datagrams;
	uint32_t max_bytes;
};

struct defrag_counts {
	uint64_t fragments, completed;
	uint64_t malformed; /* fragments that cannot be part of any datagram */
	uint64_t cut; /* fragments cut off by the snap length: their datagram cannot complete */
	uint64_t timed_out, evicted; /* datagrams */
};

struct defrag;

int defrag_new(struct defrag_limits l, const uint8_t seed[16], struct defrag **out);
void defrag_free(struct defrag **d);

/* defrag_add: adds a packet whose stop is PKT_FRAGMENT. space separates datagrams of equal
 * addresses in different tunnels. True if the datagram is complete: *whole is the decoded datagram,
 * with the time of this fragment, and borrows from d until the next one is complete. */
bool defrag_add(struct defrag *d, uint32_t space, const struct pkt *p, struct pkt *whole);

/* defrag_waiting: the number of incomplete datagrams. */
uint32_t defrag_waiting(const struct defrag *d);
const struct defrag_counts *defrag_counts(const struct defrag *d);

#endif
