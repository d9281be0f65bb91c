/*
 * watch: which addresses and ports are lurker's.
 *
 * Networks are CIDR blocks, so a /16 or a /64 costs one entry and no state per address. A port is
 * excluded for every watched address (`-e`), or only for the addresses the host itself owns: those
 * keep the operator's way in (host_ports, 22 unless set otherwise).
 */
#ifndef RESPONDER_WATCH_H
#define RESPONDER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"

#define WATCH_NETS 64
#define WATCH_OWN  64

struct portset {
	uint64_t bit[65536 / 64];
};

/* portset_add: "22" or "1000-2000". 0, or -EINVAL when the text is not a port or a rising range. */
int portset_add(struct portset *s, const char *text);
static inline bool portset_has(const struct portset *s, uint16_t port)
{
	return s->bit[port / 64] >> (port % 64) & 1;
}
/* portset_next: finds the first range at or after *from; false when there is none. */
bool portset_next(const struct portset *s, uint32_t from, uint16_t *lo, uint16_t *hi);

struct watch {
	struct net net[WATCH_NETS];
	size_t nets;
	struct addr own[WATCH_OWN];
	size_t owns;
	struct net attached[WATCH_OWN]; /* IPv4 subnets of the host's interfaces */
	size_t attachments;
	struct portset excluded;   /* on every watched address */
	struct portset host_ports; /* on the host's own addresses */
};

void watch_init(struct watch *w);
/* watch_add: 0, -EINVAL (not a network), or -ENOSPC beyond WATCH_NETS. */
int watch_add(struct watch *w, const char *cidr);
/* watch_own: an address the host owns. 0 or -ENOSPC beyond WATCH_OWN. */
int watch_own(struct watch *w, const struct addr *a);
bool watch_owns(const struct watch *w, const struct addr *a);
/* watch_attach: an IPv4 subnet of which the host is a member. Its first and its last address are
 * never answered for: they stand for all of its hosts (RFC 1122 section 3.2.1.3). Subnets of one or
 * two addresses have no such (RFC 3021); others than IPv4 are ignored. 0 or -ENOSPC beyond
 * WATCH_OWN. */
int watch_attach(struct watch *w, const struct net *n);
/* watch_edge: whether a is the network or the broadcast address of an attached subnet. */
bool watch_edge(const struct watch *w, const struct addr *a);
bool watch_addr(const struct watch *w, const struct addr *a);
/* watch_same: whether a and b watch the same networks, with the same of the host's addresses and
 * the same attached subnets in them. */
bool watch_same(const struct watch *a, const struct watch *b);
/* watch_port: whether TCP to this address and port is lurker's to answer. */
bool watch_port(const struct watch *w, const struct addr *a, uint16_t port);

#endif
