/*
 * open_flow: what is known of an open flow. Everything here is in the checkpoint, but the links of
 * the table.
 *
 * Sides: 0 is the end that the key calls lo, 1 the other. A packet's side is its sender's.
 */
#ifndef FLOWAGG_OPEN_FLOW_H
#define FLOWAGG_OPEN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/packet_pool.h"
#include "pkt/flowkey.h"

/* How surely the initiator is known: a later packet may know better. */
enum flow_rank {
	RANK_FIRST,  /* the sender of the first packet */
	RANK_SYNACK, /* the receiver of the first SYN+ACK */
	RANK_SYN,    /* the sender of the first SYN */
};

/* What a flow is worth under pressure, with the list it is in. Numbers are in checkpoints. */
enum flow_class {
	CLASS_PLAIN, /* the initiator sent no payload: a scan, or a beginning; the first to go */
	CLASS_DATA,  /* it sent payload: the last to go */
	/* no payload yet, but it acknowledged an answer, which a forged source cannot */
	CLASS_TALK,
	FLOW_CLASSES
};

/* key.pad of the fragments of one datagram whose first fragment was not seen yet: the ports hold
 * its identification. Such a flow joins the flow of the first fragment, should that come. */
#define KEY_FRAGMENTS 1

#define FLOW_TALKS 4u /* the initiator acknowledged an answer */

struct open_flow {
	struct flowkey key;
	uint32_t older, newer;
	uint32_t packets;
	struct chain chain; /* struct stored, bytes, struct stored, … */
	uint64_t bytes;     /* in the chain */
	uint64_t first;     /* number of the first packet */
	uint64_t init_ns, last_ns;
	uint64_t born, seen; /* flow clock (flow_clock.h) of the first and last packet */
	uint64_t payload[2]; /* bytes sent by each side */
	uint64_t wire[2];    /* packets by side, for `directions: in` */
	uint32_t isn[2];
	uint32_t suffix; /* of the name, when more than 1 */
	uint16_t linktype;
	uint8_t has_isn;   /* bit per side, and FLOW_TALKS */
	uint8_t initiator; /* side */
	uint8_t rank;      /* enum flow_rank */
	uint8_t class;     /* enum flow_class: the list it is in */
};

/* A packet in memory: this, then caplen bytes. */
struct stored {
	uint64_t ts_ns;
	uint32_t caplen;
	uint32_t len_side; /* length on the wire << 1 | side */
};
#define STORED_LEN_MAX (UINT32_MAX >> 1)

#endif
