/*
 * limit: token buckets per source, per prefix (/24, /48), and in total.
 *
 * Each bucket is one number, the time at which it will be full again (generic cell rate algorithm,
 * as in ATM Forum TM 4.0): a packet conforms while that time is less than the burst ahead of now. A
 * table has fixed memory, four ways a set under a keyed hash; a full set gives up its fullest
 * bucket, which is the one whose loss forgives least. An IPv6 source is its /64: one host owns all
 * of it.
 *
 * A packet takes a token from all three buckets or from none, so a flooding source does not use up
 * what the others share.
 */
#ifndef RESPONDER_LIMIT_H
#define RESPONDER_LIMIT_H

#include <stdint.h>

#include "pkt/addr.h"
#include "responder/hash.h"

struct limit_rate {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst; /* packets, at least 1 */
};

enum limit_reason { LIMIT_PASS, LIMIT_SOURCE, LIMIT_PREFIX, LIMIT_TOTAL };

#define LIMIT_WAYS 4

struct limit_bucket {
	uint64_t tag;     /* 0: empty */
	uint64_t full_ns; /* when it is full again */
};

struct limit_table {
	struct limit_bucket (*set)[LIMIT_WAYS];
	uint64_t mask;
	uint64_t interval_ns, ahead_ns; /* cost of a packet; how far full_ns may lie ahead */
};

struct limit {
	struct limit_table source, prefix;
	struct limit_bucket total;
	uint64_t interval_ns, ahead_ns; /* of total */
	struct hash_key key;
	uint64_t evicted; /* buckets given up before they were full */
};

/* limit_init: entries is the size of the source table; the prefix table is a quarter of it. 0 or
 * -ENOMEM. */
int limit_init(struct limit *l, uint32_t entries, struct limit_rate source,
	       struct limit_rate prefix, struct limit_rate total, const uint8_t key[16]);
void limit_fini(struct limit *l);

/* Where a source's buckets are. limit_find() has them fetched while the caller does something else:
 * the tables are larger than a core's caches. */
struct limit_place {
	uint64_t source, prefix; /* hashes */
};
struct limit_place limit_find(const struct limit *l, const struct addr *src);
/* limit_take: one answer to the source of that place. */
enum limit_reason limit_take(struct limit *l, struct limit_place at, uint64_t now_ns);

#endif
