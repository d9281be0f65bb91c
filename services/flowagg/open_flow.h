/*
 * open_flow: an open flow. The checkpoint holds everything here except the links of the table.
 *
 * Sides: 0 is the end that the key calls lo, 1 the other. A packet's side is its sender's.
 */
#ifndef FLOWAGG_OPEN_FLOW_H
#define FLOWAGG_OPEN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/packet_pool.h"
#include "pkt/flowkey.h"

/* How certain the initiator is. A later packet may correct it. */
enum flow_rank {
	RANK_FIRST,  /* the sender of the first packet */
	RANK_SYNACK, /* the receiver of the first SYN+ACK */
	RANK_SYN,    /* the sender of the first SYN */
};

/* The class decides which list a flow is in and when it goes under pressure. Checkpoints hold the
 * numbers. */
enum flow_class {
	/* no payload from the initiator: a scan, or a flow that just began; the first to go */
	CLASS_PLAIN,
	CLASS_DATA, /* payload from the initiator: the last to go */
	/* no payload yet, but the initiator acknowledged an answer, which a forged source cannot
	 * do */
	CLASS_TALK,
	FLOW_CLASSES
};

/* key.pad of a flow of fragments whose first fragment has not been seen: the ports hold the
 * datagram's identification. The flow joins that of the first fragment if that one arrives. */
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
