/*
 * respond: the core of the responder: what is answered, and how. Frames and a clock in, frames out.
 *
 * It answers four things and nothing else:
 *   a SYN to a watched address and port    one SYN+ACK, no longer than the SYN, under all limits
 *   a segment that acknowledges our ISN    what a TCP would say (tcp_receiver.h), never a RST
 *   ARP and neighbour questions            on the link, for watched addresses nobody owns (`arp`)
 *   an ICMP echo request                   its echo, under the same limits (`icmp_echo`)
 * Besides, a nudge may be sent to a verified connection that stays silent.
 */
#ifndef RESPONDER_RESPOND_H
#define RESPONDER_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "responder/conn.h"
#include "responder/cookie.h"
#include "responder/limit.h"
#include "responder/neigh.h"
#include "responder/nudge.h"
#include "responder/reflect.h"
#include "responder/segment.h"
#include "responder/send_batch.h"
#include "responder/shed.h"
#include "responder/watch.h"

enum responder_count {
#define COUNT(id, ...) RESPONDER_##id,
#include "responder/counts.def"
	RESPONDER_COUNTS
};

struct responder_conf {
	uint16_t mtu;
	uint8_t mac[6];
	uint8_t seed[32]; /* every key follows from it */
	struct limit_rate source, prefix, total;
	uint64_t shed_rate;
	uint32_t buckets;     /* sources with a token bucket */
	uint32_t connections; /* table of verified connections */
	uint64_t connection_bytes, idle_ns, evict_ns, cookie_ns;
	uint32_t rst_tuples; /* 4-tuples remembered for their RST */
	uint64_t rst_ns;
	struct reflect_conf reflect;
	uint32_t suspects, verified;
	bool arp, icmp_echo;
	uint32_t neighbours;
	uint64_t nudge_ns; /* 0: off */
};

/* A connection was verified, or closed. Times are of the clock given to the core. */
struct responder_event {
	bool closed;
	struct tuple t;
	uint64_t at_ns, start_ns, acked_bytes;
	const char *reason; /* of closed */
};
#define RESPONDER_EVENTS 512

struct responder {
	struct responder_conf conf;
	struct watch watch;
	struct nudge nudge;
	struct cookie cookie;
	struct segments segments;
	struct limit limit;
	struct shed shed;
	bool shed_changed; /* the kernel filter is to be made anew; the shell clears it */
	struct conns conns;
	struct recent_set rst;
	uint8_t rst_key[16];
	struct reflect reflect;
	struct neigh neigh;
	uint64_t count[RESPONDER_COUNTS];
	struct responder_event event[RESPONDER_EVENTS];
	uint32_t events;
};

/* responder_init: watch and nudge are set up by the caller afterwards. 0, -ENOMEM, or -EINVAL with
 * err. */
int responder_init(struct responder *r, const struct responder_conf *conf, uint64_t now_ns,
		   char *err, size_t errlen);
void responder_fini(struct responder *r);

/* responder_expect: prefetches what responder_frame() will read for p. A cache miss in the tables
 * costs more than all the arithmetic of an answer. Changes nothing and may be omitted. */
void responder_expect(const struct responder *r, const struct pkt *p);

/* responder_frame: one received frame; at most SEND_BATCH_CALL_FRAMES frames are added to out. */
void responder_frame(struct responder *r, uint64_t now_ns, const struct pkt *p,
		     struct send_batch *out);

/* responder_tick: changes keys and removes silent connections. Call it at least once a second. */
void responder_tick(struct responder *r, uint64_t now_ns);

/* responder_nudge: adds banners that are due; true if more are due than out had room for. *next_ns
 * is when the next one will be, UINT64_MAX if none is known. */
bool responder_nudge(struct responder *r, uint64_t now_ns, struct send_batch *out,
		     uint64_t *next_ns);

/* responder_close_all: ends every connection silently, with an event each as long as there is room;
 * call until it returns false. */
bool responder_close_all(struct responder *r, uint64_t now_ns);

#endif
