/*
 * agg: folds numbered packets into flows and seals each flow when it ends. Pure: packets in, sealed
 * files out; it has no file, socket or clock of its own. The same packets give the same files, byte
 * for byte, in the same order, under the same keys.
 *
 *   packet → clock → idle flows end → the packet's flow (pressure may end others) → the pool
 *
 * A flow ends for one of these reasons: idle (silence), age, size, reuse (a SYN with a new ISN, or
 * another link type), pressure. Unless configured otherwise, a flow whose initiator sent no payload
 * goes into the bundle, and any other becomes a file. Under pressure (too many flows or bytes),
 * flows without payload go first: those whose initiator never acknowledged an answer, then the
 * rest. Flows with payload go last. Within each kind, the flow that was silent for longest goes
 * first.
 */
#ifndef FLOWAGG_AGG_H
#define FLOWAGG_AGG_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/bundle.h"
#include "flowagg/flow_clock.h"
#include "flowagg/frag.h"
#include "flowagg/name.h"
#include "flowagg/open_flows.h"
#include "storage/home.h"

enum agg_bundling { BUNDLE_EMPTY, BUNDLE_NONE, BUNDLE_ALL };

struct agg_limits {
	uint64_t idle_ns, max_age_ns;
	uint64_t max_flow_bytes; /* of packets in one flow; larger than one packet, below max_bytes
				  */
	uint64_t max_bytes;      /* of packets in memory */
	uint64_t bundle_bytes;   /* size of a bundle */
	uint32_t max_flows;
	enum agg_bundling bundling;
	bool initiator_only; /* keep the initiator's packets only */
	/* A flow from one of these networks to an address outside of them is the host's own and is
	 * not kept. Borrowed. */
	const struct home *home;
};

enum agg_reason {
	END_IDLE,
	END_AGE,
	END_SIZE,
	END_REUSE,
	END_PRESSURE, /* flows */
	END_MINUTE,
	END_FULL, /* bundles */
	END_REASONS
};
const char *agg_reason_text(enum agg_reason reason);

/* A file to be written; everything is borrowed and valid during the call. */
struct agg_sealed {
	uint64_t number; /* rises by one with each seal; the checkpoint holds the next one */
	char key[OBJECT_KEY_MAX];
	enum agg_reason reason;
	uint64_t flows, packets;
	uint64_t file_bytes;
	uint64_t init_ns, last_ns;
	uint64_t first; /* number of the first packet */
	int linktype;
	const struct open_flow *flow; /* NULL: a bundle */
	uint64_t payload_bytes;       /* of the flow's initiator */
	const struct agg *agg;
};

/* agg_seal_fn: accepts the file, or rejects and counts it: 0. -errno: it can do neither for now;
 * the flow stays open, and the packet that ended it is not taken in. */
typedef int (*agg_seal_fn)(void *arg, const struct agg_sealed *s);

/* agg_write: passes the bytes of the file, a nanosecond pcap, to put in order. put returns 0, or
 * -errno, which ends the writing. Returns 0 or what put returned. */
typedef int (*agg_put_fn)(void *arg, const void *p, size_t n);
int agg_write(const struct agg_sealed *s, agg_put_fn put, void *arg);

/* Where the packets went. packets + restored = open + bundled + sealed + other_side + own + the
 * drops, always. */
struct agg_counts {
	uint64_t packets, ticks;
	uint64_t restored;   /* packets in open flows and bundle when a checkpoint was loaded */
	uint64_t open;       /* in open flows now */
	uint64_t bundled;    /* in the bundle now */
	uint64_t sealed;     /* in files */
	uint64_t other_side; /* not from the initiator, when only its packets are kept */
	uint64_t own;        /* of flows that the host itself began */
	uint64_t arp, other_l3, broken, unknown_link; /* not IP: dropped */
	uint64_t flows;                               /* begun */
	uint64_t flows_sealed, flows_bundled, bundles;
	uint64_t ended[END_REASONS];
	uint64_t evicted_plain,
		evicted_data; /* flows ended by pressure, without and with payload */
	uint64_t fragments_joined, fragments_alone;
	uint64_t set_back; /* times the flow clock was set back */
};

/* Counts over the life of the state directory. The caller keeps them, and the checkpoint carries
 * them. Packets taken in after a checkpoint are replayed after a crash, so the checkpoint's totals
 * plus the counts since are exact, however a run ended. */
enum agg_total {
	TOTAL_BEFORE, /* the number before the first packet (modulo 2^64 when numbers restarted) */
	TOTAL_PACKETS,
	TOTAL_TICKS,
	TOTAL_GAP,
	TOTAL_ARP,
	TOTAL_OTHER_L3,
	TOTAL_BROKEN,
	TOTAL_UNKNOWN_LINK,
	TOTAL_OTHER_SIDE,
	TOTAL_OWN,
	TOTAL_SEALED,
	TOTAL_DELIVERED,
	TOTAL_SPOOL,
	TOTAL_DISK,
	AGG_TOTALS
};

struct agg {
	struct agg_limits limits;
	struct packet_pool pool;
	struct open_flows table;
	struct frags frags;
	struct names names;
	struct bundle bundle;
	struct flow_clock clock;
	uint64_t next; /* number of the next packet */
	uint64_t next_seal;
	uint8_t seed[16];
	struct agg_counts counts;
	uint64_t total[AGG_TOTALS];
	agg_seal_fn seal;
	void *arg;
};

struct agg_packet {
	uint64_t number, ts_ns;
	uint32_t caplen, len;
	int linktype;
	const uint8_t *data;
};

/* agg_init: seed is random; the checkpoint preserves it. 0 or -ENOMEM. */
int agg_init(struct agg *a, const struct agg_limits *limits, const uint8_t seed[16],
	     agg_seal_fn seal, void *arg);
void agg_fini(struct agg *a);

/* agg_packet: takes in the next packet. p->number is at least a->next; the caller counts the
 * numbers in between. A packet without bytes and of length 0 is a tick. 0, or what the seal
 * function returned: the packet was not taken in, and the caller passes it again later. */
int agg_packet(struct agg *a, const struct agg_packet *p);

#endif
