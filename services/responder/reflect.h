/*
 * reflect: notices when somebody uses the sensor to hit a third party.
 *
 * A SYN with a spoofed source makes us send a SYN+ACK to a victim. Such an attack shows as many
 * SYNs from one address or prefix (/24, /48), to few ports, to the same targets again and again,
 * for minutes, while our cookie never comes back. Defaults follow the published backscatter rules
 * (CAIDA corsaro): at least 25 packets, 60 s, 30 a minute, in a window of 60 s that slides by 10 s.
 * Two things keep scans out: a sweep visits each target (address and port) once or a few times
 * (zmap -P 3), where an attack returns (`repeats`: SYNs per distinct target, estimated with
 * HyperLogLog, Flajolet et al. 2007); a port scan has many ports. A source whose cookie came back
 * is not spoofed and is never counted.
 *
 * Many RSTs from a prefix, to the same targets again and again, say that our SYN+ACKs reach
 * somebody who did not ask: it is a victim, and silenced for a while.
 *
 * Memory is fixed. Most prefixes send a SYN or two: only one that sent REFLECT_FIRST within 10 s
 * (estimated by a hashed counter array, which errs upwards) gets a suspect entry; a full set gives
 * up the entry with the fewest packets in its window, but none that is under alert or silenced.
 */
#ifndef RESPONDER_REFLECT_H
#define RESPONDER_REFLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/addr.h"
#include "responder/hash.h"
#include "responder/recent_set.h"

#define REFLECT_SLOT_NS  UINT64_C(10000000000) /* the window slides by this */
#define REFLECT_SLOTS    6                     /* and is this many long */
#define REFLECT_PORTS    16
#define REFLECT_FIRST    4
#define REFLECT_PATIENCE 16
#define REFLECT_WAYS     4
#define REFLECT_HLL      256

struct reflect_conf {
	uint32_t packets;  /* at least so many SYNs in all */
	uint64_t min_ns;   /* over at least this time */
	uint32_t per_min;  /* and so many within the window */
	uint32_t ports;    /* to at most so many ports, at most REFLECT_PORTS */
	uint32_t repeats;  /* SYNs per distinct target */
	uint64_t quiet_ns; /* an attack ends when the rate was not met for this long */
	uint32_t rsts;     /* RSTs within the window that make a prefix a victim; 0: off */
	uint64_t silence_ns;
	uint64_t verified_ns; /* how long a returned cookie speaks for a source */
};

enum reflect_state { REFLECT_NONE, REFLECT_ALERT };

struct suspect {
	struct net prefix; /* family 0: empty */
	struct addr one;   /* the majority address, by Boyer-Moore vote */
	uint32_t votes;
	uint64_t first_ns, last_ns;
	uint64_t hot_ns;      /* when the window last met the rate */
	uint64_t total, peak; /* SYNs in all; most in a window */
	uint64_t slot;        /* number of the current slot */
	uint32_t syn[REFLECT_SLOTS], rst[REFLECT_SLOTS];
	uint16_t port[REFLECT_PORTS];
	uint8_t ports; /* REFLECT_PORTS + 1: more */
	uint8_t state;
	bool whole; /* the alert is about the prefix, not about `one` */
	uint64_t silent_until_ns;
	uint8_t hll[REFLECT_HLL];
};

/* An attack began or ended. */
struct reflect_event {
	bool begin;
	struct net prefix;
	uint16_t port[REFLECT_PORTS];
	uint8_t ports;
	double rate; /* SYNs a second: of the last window at the beginning, of the fullest one at
			the end */
	uint64_t count, first_ns, last_ns;
};
#define REFLECT_EVENTS 64

struct reflect {
	struct reflect_conf conf;
	struct hash_key key;
	uint32_t (*tag)[REFLECT_WAYS]; /* hash of the prefix, so that a look costs one cache line */
	struct suspect (*set)[REFLECT_WAYS];
	uint32_t mask;
	uint8_t *early; /* SYNs per hashed prefix in the current slot */
	uint64_t early_slot;
	struct recent_set verified;
	struct reflect_event event[REFLECT_EVENTS];
	uint32_t events;
	uint32_t crowd; /* newcomers that found a full set */
	uint64_t evicted, alerts, victims;
	uint32_t active;
};

/* reflect_init: suspects is how many prefixes are followed at a time. 0 or -ENOMEM. */
int reflect_init(struct reflect *r, const struct reflect_conf *conf, uint32_t suspects,
		 uint32_t verified, const uint8_t key[16]);
void reflect_fini(struct reflect *r);

enum reflect_verdict { REFLECT_PASS, REFLECT_SUPPRESS_ALERT, REFLECT_SUPPRESS_VICTIM };

/* reflect_expect: fetches what reflect_syn() will look at for src. */
void reflect_expect(const struct reflect *r, const struct addr *src);
/* reflect_syn: a SYN from src; whether it may be answered. */
enum reflect_verdict reflect_syn(struct reflect *r, const struct addr *src, const struct addr *dst,
				 uint16_t dport, uint64_t now_ns);
/* reflect_rst: a RST from src that belongs to no connection of ours. */
void reflect_rst(struct reflect *r, const struct addr *src, uint64_t now_ns);
/* reflect_verified: src returned our cookie. */
void reflect_verified(struct reflect *r, const struct addr *src, uint64_t now_ns);
bool reflect_is_verified(const struct reflect *r, const struct addr *src, uint64_t now_ns);
/* reflect_tick: once a second: attacks end here. */
void reflect_tick(struct reflect *r, uint64_t now_ns);
/* reflect_take: the next event, oldest first; false when there is none. */
bool reflect_take(struct reflect *r, struct reflect_event *out);

#endif
