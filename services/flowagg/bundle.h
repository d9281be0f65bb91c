/*
 * bundle: the flows without initiator payload that ended in one minute, as they will stand in one
 * file.
 */
#ifndef FLOWAGG_BUNDLE_H
#define FLOWAGG_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

struct bundle {
	uint8_t *p; /* pcap records */
	uint64_t bytes, cap;
	uint64_t flows, packets;
	uint64_t minute;           /* of the flow's time stamps, in which it was begun */
	uint64_t first;            /* number of the first packet of the first flow */
	uint64_t init_ns, last_ns; /* first packet of the first flow; latest packet */
	int linktype;
};

void bundle_fini(struct bundle *b);
/* bundle_reset: empties it; large memory is given back. */
void bundle_reset(struct bundle *b);
/* bundle_room: makes room for n more bytes and returns where they go, or NULL without memory. */
uint8_t *bundle_room(struct bundle *b, uint64_t n);

#endif
