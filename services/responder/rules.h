/*
 * rules: the two texts that tell the kernel what is lurker's: the nftables rules that keep the
 * host's own TCP silent, and the packet filter of our socket.
 */
#ifndef RESPONDER_RULES_H
#define RESPONDER_RULES_H

#include <stdbool.h>

#include "proto/buf.h"
#include "responder/watch.h"

/* What decides where the rules go. */
struct rules_host {
	bool bridge;   /* the interface is one: the drop must come after its taps */
	bool forwards; /* the host is a router, for containers perhaps */
};

/* rules_nft: commands for libnftables that make the table `inet lurker`, owned by the caller's
 * socket. It drops, before the kernel's TCP sees it, TCP to watched addresses and ports that
 * arrives on iface and belongs to no socket of its own, nor to a connection that the host forwards;
 * and it keeps the kernel from answering UDP to watched addresses with port unreachable. 0, or
 * -ENOMEM when out would not take it. */
int rules_nft(const struct watch *w, const char *iface, struct rules_host host, struct buf *out);

/* rules_filter: a pcap filter for Ethernet, tagged frames included; it may let more through than is
 * answered, never less. arp: also ARP and neighbour discovery; icmp: also echo. */
int rules_filter(const struct watch *w, bool arp, bool icmp, struct buf *out);

#endif
