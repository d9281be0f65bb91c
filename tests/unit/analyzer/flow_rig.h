/*
 * flow_rig: packets go straight into a flow table, and its flows come out as a test wants to see
 * them.
 */
#ifndef TEST_FLOW_RIG_H
#define TEST_FLOW_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../pkt/frame.h"
#include "table/flow_table.h"

/* A capture in the making: packets go straight into the table. */
struct rig_table {
	struct flow_table *t;
	struct flow_table_options o;
	uint64_t no, now_ns;
};

struct rig_got {
	struct {
		struct addr src;
		uint16_t sport, dport;
		uint64_t packets, first_no, bad_checksums;
		char payload[64], tunnel[80], sha256[65];
		size_t len;
		bool verified;
	} flow[16];
	size_t n;
};

struct rig_table rig_table_of(size_t memory);
void rig_feed(struct rig_table *t, const struct frame *f);
/* rig_say: a TCP segment between client (192.0.2.1:1000) and server (198.51.100.2:80); good: with a
 * right checksum. */
enum { CLIENT, SERVER };
void rig_say(struct rig_table *t, int who, uint32_t seq, uint32_t ack, uint8_t flags,
	     const char *text, bool good);
void rig_handshake(struct rig_table *t, uint32_t isn, uint32_t server);
/* rig_take: adds the flow to the struct rig_got that arg is. rig_take_all: fn of every flow of the
 * table, in order, until it returns another value than 0. */
int rig_take(void *arg, struct flow *f);
int rig_take_all(struct flow_table *t, int (*fn)(void *arg, struct flow *f), void *arg);
/* rig_end: the flows of the table, which is gone then. */
struct rig_got rig_end(struct rig_table *t);

#endif
