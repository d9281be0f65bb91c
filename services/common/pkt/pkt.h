/*
 * pkt: one captured frame, taken apart down to its transport header.
 *
 * pkt_decode() reads bytes that an attacker chose: it stays inside the frame, never fails, and says
 * in `stop` how far it came. All pointers borrow from the frame. Integers are in host byte order.
 *
 *   │ link header │ tags │ IP header + options/extension headers │ L4 header │ payload │ padding │
 *   └ frame              └ ip_off                                └ l4_off    └ payload
 *
 * Lengths come from the IP header, not from the frame, so Ethernet padding is never payload.
 */
#ifndef PKT_PKT_H
#define PKT_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "pkt/cksum.h"

/* How far decoding came. */
enum pkt_stop {
	PKT_L4,       /* the transport header was read: everything below is valid */
	PKT_FRAGMENT, /* an IP fragment (first ones included): give it to the defragmenter */
	PKT_IP, /* IP was read; its protocol has no ports here, or the L4 header was cut off */
	PKT_ARP,
	PKT_OTHER_L3, /* a known link type, but an unknown network protocol */
	PKT_TICK,     /* capture's one-second tick: an empty frame (see journal) */
	PKT_BROKEN,   /* a header contradicts itself or was cut off before IP ended */
	PKT_LINK,     /* an unknown link type */
};

/* TCP flags as on the wire. */
enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128
};

#define PKT_MAX_TAGS 4

struct pkt {
	const uint8_t *frame;
	uint32_t caplen;   /* bytes captured */
	uint32_t len;      /* bytes on the wire */
	uint64_t ts_ns;    /* set by the caller */
	uint32_t ts_wraps; /* 0, or set by the caller after decoding: see capfile.h */
	/* false, or set by the caller after decoding: no offload left the checksum for later, so
	 * that CKSUM_PARTIAL is out of the question */
	bool summed;
	enum pkt_stop stop;

	/* Link. mac_* are NULL unless the link has 6-byte addresses. Tags outermost first, each as
	 * TPID<<16|TCI. */
	const uint8_t *mac_src, *mac_dst;
	uint32_t tag[PKT_MAX_TAGS];
	uint8_t tags;
	uint16_t ethertype; /* of what follows the tags */

	/* IP: outermost header. */
	struct addr src, dst;
	uint32_t ip_off; /* of the IP header in the frame */
	uint32_t
		/* total length by its header (or by the frame, for a zero total length of TSO) */
		ip_len;
	uint16_t ip_hdr_len; /* header with options or extension headers */
	uint8_t ttl, tos;
	uint8_t proto;  /* transport protocol, after the extension headers */
	uint32_t ip_id; /* IPv4 identification; IPv6: of the fragment header, else 0 */
	uint32_t flow_label;
	bool df, mf;
	uint32_t frag_off; /* bytes */
	bool truncated;    /* caplen ends before the IP packet does */

	/* Transport: TCP, UDP, SCTP have ports; ICMP and ICMPv6 put type and code there. */
	uint32_t l4_off, l4_len; /* l4_len: header and payload by the IP length */
	uint16_t sport, dport;
	const uint8_t *payload; /* captured bytes after the L4 header */
	uint32_t payload_len;   /* captured */
	uint32_t payload_wire;  /* by the headers; more than payload_len if truncated */

	/* TCP. */
	uint32_t seq, ack;
	uint16_t win, urg;
	uint8_t flags;
	const uint8_t *opt; /* TCP options */
	uint8_t opt_len;
};

/* pkt_decode: decodes the outermost IP packet of a frame of the given link type (DLT_ or LINKTYPE_
 * number). Sets every field of *p but ts_ns. caplen 0 and len 0 is a tick. */
void pkt_decode(int linktype, const uint8_t *frame, uint32_t caplen, uint32_t len, struct pkt *p);

/* pkt_decode_ip: the same for bytes that begin with an IP header (a reassembled datagram). */
void pkt_decode_ip(const uint8_t *ip, uint32_t caplen, uint32_t len, struct pkt *p);

enum pkt_tunnel { PKT_TUNNEL_NONE, PKT_TUNNEL_IPIP, PKT_TUNNEL_GRE, PKT_TUNNEL_VXLAN };

/* pkt_inner: decodes what travels inside p (GRE, IP-in-IP, VXLAN); PKT_TUNNEL_NONE if nothing
 * does so. */
enum pkt_tunnel pkt_inner(const struct pkt *p, struct pkt *inner);

/* pkt_cksum: checks the transport checksum of a packet whose stop is PKT_L4. */
enum cksum_state pkt_cksum(const struct pkt *p);

/* TCP options, as far as they can be trusted. */
struct tcp_opts {
	bool has_mss, has_wscale, has_ts, sack_ok, broken; /* broken: a length ran over the end */
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	uint8_t fastopen_len; /* cookie bytes, with kind 34 */
	bool has_fastopen;
	uint8_t kinds[40]; /* the kinds in order, NOP and EOL included */
	uint8_t nkinds;
};
void tcp_opts_read(const uint8_t *opt, uint8_t len, struct tcp_opts *out);

#endif
