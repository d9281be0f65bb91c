/*
 * bundle: the flows without initiator payload that ended in one minute, gathered as the records of
 * one file.
 */
#ifndef FLOWAGG_BUNDLE_H
#define FLOWAGG_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

struct bundle {
	uint8_t *p; /* pcap records */
	uint64_t bytes, cap;
	uint64_t flows, packets;
	uint64_t minute;           /* in which the bundle began, by the packets' time stamps */
	uint64_t first;            /* number of the first packet of the first flow */
	uint64_t init_ns, last_ns; /* first packet of the first flow; latest packet */
	int linktype;
};

void bundle_fini(struct bundle *b);
/* bundle_reset: empties the bundle and frees its buffer when that is large. */
void bundle_reset(struct bundle *b);
/* bundle_room: makes room for n more bytes and returns where they go; NULL when there is no
 * memory. */
uint8_t *bundle_room(struct bundle *b, uint64_t n);

#endif
