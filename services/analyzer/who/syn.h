/*
 * syn: the fingerprint of a SYN, and which tool sends such SYNs.
 */
#ifndef WHO_SYN_H
#define WHO_SYN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "proto/msg.h"

/* What a SYN tells, as plain values: it outlives the packet. */
struct who_syn {
	struct addr dst;
	uint16_t sport, dport;
	uint8_t ttl, flags;
	bool df, payload, flow_label, ect; /* ect: the IP header's ECN bits are set */
	uint32_t ip_id, seq, ack;
	uint16_t win, urg;
	struct tcp_opts opts;
	uint8_t opt_len;  /* bytes of TCP options */
	uint8_t opt_tail; /* bytes after EOL */
	bool opt_tail_nonzero;
};

/* who_syn_read: takes the values of a TCP packet (stop PKT_L4). */
void who_syn_read(const struct pkt *p, struct who_syn *out);

/*
 * who_syn_text: writes the fingerprint with its NUL to out and returns its length:
 *
 *     version:ttl:window:mss:wscale:options:quirks 4:64:64240:1460:7:mss,sok,ts,nop,ws:df,id+
 *
 *   version  4 or 6
 *   ttl      hop limit as received
 *   window   as in the header (of a SYN never scaled)
 *   mss      value of the option, * without one
 *   wscale   value of the option, * without one
 *   options  in order: eol nop mss ws sok sack ts tfo, ?N for any other kind; eol+N when N bytes
 * follow it quirks   df (don't fragment), id+ (df, yet an IP-ID), id- (no df, yet IP-ID 0), ecn (IP
 * ECN bits, or ECE and CWR), flow (IPv6 flow label), seq- (sequence 0), ack+ (acknowledgement not
 * 0), uptr (urgent pointer not 0), urg, push, fin (flags), ts1- (own time stamp 0), ts2+ (echoed
 * time stamp not 0), opt+ (bytes that are not 0 after eol), exws (window scale above 14), data (a
 * payload), bad (broken options) Lists are comma-separated and may be empty.
 */
#define WHO_SYN_MAX 384
size_t who_syn_text(const struct who_syn *s, char out[WHO_SYN_MAX]);

/* A guess; both strings are static. */
struct who_tool {
	const char *name;   /* zmap, masscan, mirai, nmap, zgrab, unicornscan */
	const char *reason; /* what made us think so */
};

/* who_tool_said: guesses from the recognised parts of the record (http, ssh, …). false: no guess, *out is zeroed. */
bool who_tool_said(const struct msg_analysis *rec, struct who_tool *out);

/* who_tool: guesses from the SYN (NULL: none was seen) and from what the payload said (name NULL: nothing). A
 * marker that a tool computes weighs more than a pattern. false: no guess. */
bool who_tool(const struct who_syn *syn, const struct who_tool *payload, struct who_tool *out);

#endif
