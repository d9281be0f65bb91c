/*
 * conn: the bounded table of connections whose source proved itself.
 *
 * Memory is taken once. Order in which connections go: those that ended go at once; those silent
 * for idle_ns go at the next tick, longest silent first; when the table is full, a new connection
 * takes the place of the longest silent one only if that was silent for evict_ns, or of the longest
 * silent one of a source that holds more than a share of the table, and is refused otherwise: a
 * single source cannot keep the others out. A refused source still gets its SYN+ACKs; its data is
 * recorded by capture and stays unacknowledged.
 */
#ifndef RESPONDER_CONN_H
#define RESPONDER_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/tcp_receiver.h"
#include "responder/segment.h"
#include "responder/tuple.h"

#define CONN_NONE UINT32_MAX

/* A source (IPv6: its /64) may hold one in CONN_SHARE of a full table, and CONN_SHARE. Counted by
 * hash in so many cells. */
#define CONN_SHARE 8
#define CONN_CELLS 4096u
/* So many of the longest silent ones are looked at for one of a source that holds more. */
#define CONN_LOOKS 32

struct conn {
	struct tuple t;
	struct receiver s;
	struct link link; /* of its last segment */
	uint64_t start_ns, last_ns;
	uint16_t ip_id;
	uint32_t chain;        /* next in its bucket, or in the free list */
	uint32_t older, newer; /* by last_ns */
	uint32_t wait_prev,
		wait_next; /* the queue of those that may be nudged, in order of arrival */
	bool waiting;
};

struct conns {
	struct conn *c;
	uint32_t *bucket;
	uint32_t *held; /* connections, by hash of the source */
	uint32_t size, mask, used;
	uint32_t free, oldest, newest;
	uint32_t wait_first, wait_last;
	uint64_t idle_ns, evict_ns;
	uint8_t key[16];
};

/* conns_init: 0 or -ENOMEM. */
int conns_init(struct conns *t, uint32_t size, uint64_t idle_ns, uint64_t evict_ns,
	       const uint8_t key[16]);
void conns_fini(struct conns *t);
struct conn *conns_find(const struct conns *t, const struct tuple *k);
/* conns_victim: the connection that a new one may replace: NULL while there is room or when none
 * may go; conns_full tells the two apart. */
struct conn *conns_victim(const struct conns *t, uint64_t now_ns);
static inline bool conns_full(const struct conns *t)
{
	return t->used == t->size;
}
/* conns_add: k is not in the table and the table is not full. The stream is the caller's to set up.
 */
struct conn *conns_add(struct conns *t, const struct tuple *k, uint64_t now_ns);
void conns_touch(struct conns *t, struct conn *c, uint64_t now_ns);
void conns_remove(struct conns *t, struct conn *c);
/* conns_idle: the longest silent connection if it is past idle_ns, or NULL. */
struct conn *conns_idle(const struct conns *t, uint64_t now_ns);

/* The nudge queue: those that were just verified, oldest first. */
void conns_wait(struct conns *t, struct conn *c);
void conns_unwait(struct conns *t, struct conn *c);
static inline struct conn *conns_waiting(const struct conns *t)
{
	return t->wait_first == CONN_NONE ? NULL : &t->c[t->wait_first];
}

#endif
