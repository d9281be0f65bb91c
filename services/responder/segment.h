/*
 * segment: the TCP segments we send, as patched copies of headers that libnet built once.
 *
 * libnet makes one header for each family and each set of SYN+ACK options, with every varying field
 * zero. A packet then costs a copy, the varying fields, and an incremental checksum over just those
 * (RFC 1624).
 */
#ifndef RESPONDER_SEGMENT_H
#define RESPONDER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"

/* Options of a SYN+ACK, as a set. */
enum { SYNACK_MSS = 1, SYNACK_SACK = 2, SYNACK_TS = 4, SYNACK_WSCALE = 8, SYNACK_SETS = 16 };

/* The way back to a frame's sender: addresses swapped, tags mirrored. */
struct link {
	uint8_t dst[6], src[6];
	uint8_t tags;
	uint32_t tag[PKT_MAX_TAGS];
};

struct segment_header {
	uint8_t bytes[60 + 40]; /* IP and TCP header */
	uint8_t len, ip_len;
	uint8_t ts_off;   /* of the timestamp value within bytes; 0: none */
	uint64_t ip_base; /* running sums over what never varies */
	uint64_t tcp_base;
};

struct segments {
	struct segment_header h[2][SYNACK_SETS]; /* IPv4, IPv6 */
};

/* segments_init: mtu is the interface's, for the MSS. 0, or -EINVAL with libnet's reason in err. */
int segments_init(struct segments *s, uint16_t mtu, char *err, size_t errlen);

/* link_of: p has Ethernet addresses. */
void link_of(struct link *l, const struct pkt *p);
/* link_write: the link header with ethertype; returns its length. */
size_t link_write(const struct link *l, uint16_t ethertype, uint8_t *out);

/* synack_choose: which options answer a SYN that offered o, in at most room bytes. MSS first
 * (without it a client sends 536 bytes a segment), then SACK, then window scale, then timestamps.
 */
uint8_t synack_choose(const struct tcp_opts *o, size_t room);

/* A segment to be sent; src is ours. */
struct segment {
	const struct link *link;
	struct addr src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t win;
	uint16_t ip_id;
	uint32_t flow_label;
	uint32_t ts_val, ts_ecr; /* of a SYN+ACK with SYNACK_TS */
	const uint8_t *opt;      /* of other segments: a multiple of 4, at most 40 bytes */
	size_t optlen;
	const uint8_t *data;
	size_t len; /* at most 1024 */
};

/* synack_write: a SYN+ACK with the given options; its window is the template's. Returns the frame's
 * length. */
size_t synack_write(const struct segments *s, const struct segment *g, uint8_t options,
		    uint8_t *out);
/* segment_write: any other segment. Returns the frame's length. */
size_t segment_write(const struct segments *s, const struct segment *g, uint8_t *out);

#endif
