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

/* The values of a SYN; they do not borrow from the packet. */
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

/* who_syn_read: reads the values from a TCP packet (stop PKT_L4). */
void who_syn_read(const struct pkt *p, struct who_syn *out);

/*
 * who_syn_text: writes the fingerprint with its NUL to out and returns its length: version, ttl,
 * window, mss, wscale, options and quirks, with colons between them. docs/records.md describes
 * each, for operators too.
 */
#define WHO_SYN_MAX 384
size_t who_syn_text(const struct who_syn *s, char out[WHO_SYN_MAX]);

/* A guess; both strings are static. */
struct who_tool {
	const char *name;   /* zmap, masscan, mirai, nmap, zgrab, unicornscan */
	const char *reason; /* the evidence */
};

/* who_tool_said: guesses from the recognised parts of the record (http, ssh, …). false: no guess,
 * *out is zeroed. */
bool who_tool_said(const struct msg_analysis *rec, struct who_tool *out);

/* who_tool: guesses from the SYN (NULL: none was seen) and from what the payload said (name NULL:
 * nothing). A marker that a tool computes weighs more than a pattern. false: no guess. */
bool who_tool(const struct who_syn *syn, const struct who_tool *payload, struct who_tool *out);

#endif
