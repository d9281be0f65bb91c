/*
 * flow: one flow of a capture file, as it grows packet by packet.
 *
 * Direction 0 goes from the key's lower end to its higher one, direction 1 back.
 */
#ifndef ANALYZER_FLOW_H
#define ANALYZER_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/flowkey.h"
#include "pkt/pkt.h"
#include "reassembly/byte_stream.h"
#include "who/syn.h"

/* Most bytes kept of RST segments, and of segments with a wrong checksum, for each direction. */
#define FLOW_MAX_RST     (64u << 10)
#define FLOW_MAX_DOUBTED (256u << 10)

/* How many ISNs of one end's SYN+ACKs are remembered as proof. With one key, the responder makes
 * one of eight, depending on the SYN's options; few visitors ever see two. */
#define FLOW_MAX_ISNS 8

/* One direction. */
struct flow_dir {
	struct stream *stream; /* NULL until there is something to store */
	struct buf *rst;       /* what RST segments carried, NULL: nothing */
	/* Segments with a wrong checksum: a struct doubted and its bytes for each. They enter the
	 * stream when the receiver acknowledges them. An acknowledgment is stronger evidence than a
	 * checksum, because the receiver had the original packet and the capture may not. */
	struct buf *doubted;
	uint32_t isn;      /* of the first SYN */
	uint32_t isn_last; /* of the latest SYN: a responder may answer again under another key */
	uint32_t
		isn_more[FLOW_MAX_ISNS - 1]; /* of SYN+ACKs that differ from isn, the latest ones */
	uint32_t seq_first;                  /* of its first packet */
	uint32_t seq_end; /* the highest sequence number it has used up, plus one */
	uint32_t window;  /* the largest it advertised, scaled */
	uint32_t acked;   /* the highest acknowledgement it sent; valid with has_acked */
	uint8_t wscale;
	bool seen, has_isn, has_wscale, has_acked;
	bool unsound;    /* its receiver accepted segments whose checksum is wrong in this file */
	bool sums;       /* it has sent a correct checksum, so a wrong one is significant */
	bool starved;    /* there was no memory for a stream: bytes are missing */
	bool acked_peer; /* acknowledged something that the peer has sent */
	bool proved; /* acknowledged exactly an ISN of the peer: it receives the peer's packets */
	/* Entries in isn_more. When it is full: its size plus the index to overwrite next. */
	uint8_t isns_more;
};

struct flow_tunnel {
	enum pkt_tunnel kind;
	uint8_t depth;        /* 1: directly inside a packet of the capture */
	struct addr src, dst; /* of the outer packet, first one seen */
};

/* What every packet touches comes first. */
struct flow {
	uint64_t packets, bytes;
	uint64_t first_ns, last_ns;
	uint32_t first_wraps, last_wraps;      /* of these: see capfile.h */
	uint32_t slot, live;                   /* of the flow table */
	size_t memory;                         /* what the flow table counts of it */
	int8_t first_dir, syn_dir, synack_dir; /* of the first packet, SYN, SYN+ACK; -1: none yet */
	int8_t own_dir;
	bool has_ports;
	bool closed;  /* a FIN or RST was seen */
	bool over;    /* an established connection was closed: the next SYN opens another one */
	bool snapped; /* payload was cut off by the snap length */
	struct flow_dir dir[2];
	struct stream own; /* of direction own_dir, the first that needed one */
	struct flowkey key;
	uint64_t first_no;          /* number of the first packet in its file */
	uint64_t bad_checksums;     /* segments that did not enter a stream because of it */
	uint32_t datagram;          /* bytes of the initiator's first datagram, if not TCP */
	struct flow_tunnel *tunnel; /* of an inner flow */
	struct who_syn syn; /* of the first SYN without ACK, when syn_dir says that there was one */
};

/* flow_new: for a flow that begins with packet number no, p. NULL without memory. */
struct flow *flow_new(const struct flowkey *key, uint64_t no, const struct pkt *p, int dir);
void flow_free(struct flow **f);

/* flow_splits: whether this packet of the flow's 5-tuple begins a new flow: a SYN whose ISN differs
 * from this direction's, or any SYN after an established connection was closed. A SYN that is
 * retransmitted after a refusal stays in the flow. */
bool flow_splits(const struct flow *f, const struct pkt *p, int dir);

/* flow_believes: whether a TCP segment with this checksum state counts. A segment with a wrong
 * checksum does not, once its sender has sent correct ones, unless the receiver is known to accept
 * them: in captures taken before the interface computed checksums, or rewritten later, few are
 * correct. */
bool flow_believes(const struct flow *f, int dir, enum cksum_state cksum);

/* flow_add: adds one packet, whose checksum state is cksum. */
void flow_add(struct flow *f, const struct stream_limits *l, const struct pkt *p, int dir,
	      enum cksum_state cksum);

/* flow_settle: ends the flow's input; called once. If a direction has no stream, the bytes of its
 * doubtful and RST segments become its stream. */
void flow_settle(struct flow *f, const struct stream_limits *l, int dir);

/* flow_initiator: the direction of the initiator's packets: the sender of the first SYN without
 * ACK; else the receiver of the first SYN+ACK; else the sender of the first packet. */
int flow_initiator(const struct flow *f);

/* flow_memory: bytes of memory behind f. */
size_t flow_memory(const struct flow *f);

#endif
