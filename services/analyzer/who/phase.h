/*
 * phase: scanners that work in two phases: a bare SYN (stateless, often by another tool), then a
 * real connection from the same source.
 *
 * A bounded table of the sources that sent a bare SYN, in sets of eight. A new source replaces the
 * least recently seen one of its set. The table also holds what identifies unicornscan: a key that
 * all SYNs of one run share.
 */
#ifndef WHO_PHASE_H
#define WHO_PHASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "who/syn.h"

struct who_phase;

struct who_phase_stats {
	uint64_t sources; /* in the table now */
	uint64_t evicted; /* replaced by newer ones before their window ended */
	uint64_t pairs;   /* real connections that had a first phase */
};

/* The first phase of a real connection. */
struct who_first {
	uint64_t ts_ns;
	uint16_t dport;
	struct who_tool tool; /* guessed from that SYN; name NULL: none */
};

/* who_phase_new: a table for at most max sources (rounded up to a power of two; all memory is taken
 * here), each kept window_ns after its last bare SYN. seed keys the hash. 0 or -ENOMEM. */
int who_phase_new(size_t max, uint64_t window_ns, const uint8_t seed[16], struct who_phase **out);
void who_phase_free(struct who_phase **t);

/* who_phase_bare: notes a flow of src that consisted of SYNs and RSTs only and began at ts_ns with
 * syn. *tool is the guess of who_tool (name NULL: none); it becomes unicornscan if syn and an
 * earlier SYN of this source share that tool's key: sequence ^ destination ^ ports (unicornscan,
 * tcphash.h). */
void who_phase_bare(struct who_phase *t, const struct addr *src, const struct who_syn *syn,
		    uint64_t ts_ns, struct who_tool *tool);
/* who_phase_real: whether a bare SYN of src preceded the connection that src completed and that
 * began at ts_ns, within the window. */
bool who_phase_real(struct who_phase *t, const struct addr *src, uint64_t ts_ns,
		    struct who_first *out);

void who_phase_stats(const struct who_phase *t, struct who_phase_stats *out);

#endif
