/*
 * flow_table: the flows of one capture file.
 *
 * A flow is a 5-tuple, split where flow_splits says so and, if asked for, by idle time. What
 * travels inside GRE, IP-in-IP or VXLAN makes further flows beside the outer one. All flows last
 * until the file ends, as a late packet belongs to its flow. Where packets can be read again, a
 * flow is no more than the places of its packets; else, or when the memory for places is full,
 * those not used lately are packed, in memory and, beyond its limit, on disk, and come back when
 * they are needed. The result does not depend on it.
 */
#ifndef ANALYZER_FLOW_TABLE_H
#define ANALYZER_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/capfile.h"
#include "reassembly/byte_stream.h"
#include "reassembly/defrag.h"
#include "table/flow.h"

struct flow_table_options {
	struct stream_limits stream;
	struct defrag_limits defrag;
	uint64_t idle_ns;     /* 0: idle time ends no flow */
	size_t memory;        /* bytes for flows; more is paged out */
	uint32_t max_flows;   /* packets of further ones are counted only */
	const char *page_dir; /* where the file for paging goes */
	/* Of shards processes that read the same file, this one keeps the flows that fall to it.
	 * Addresses decide, so that fragments and both directions meet. */
	uint32_t shard, shards;
	/* How packets that have a place are read again: false: they cannot. What p borrows stays
	 * until the flows are gone. ahead asks memory for what read will look at; nothing before
	 * done will be read again. */
	struct flow_table_again {
		bool (*read)(void *arg, uint64_t place, struct pkt *p); /* NULL: none has one */
		void (*ahead)(void *arg, uint64_t place);
		void (*done)(void *arg, uint64_t place);
		void *arg;
	} again;
};

struct flow_table_counts {
	uint64_t packets;
	uint64_t other;       /* no IP: ARP and so on */
	uint64_t broken;      /* headers that contradict themselves */
	uint64_t link;        /* of a link type that we do not know */
	uint64_t turned_away; /* packets of flows beyond max_flows */
	uint64_t deep;        /* packets with more tunnels inside each other than are looked into */
	/* Packets of the file that count in no flow outside tunnels: packets = outside + the
	 * packets of those flows. Fragments that complete nothing, and the reasons above. */
	uint64_t outside;
	uint64_t flows, paged_out;
};

struct flow_table;

/* flow_table_new: options are copied, page_dir borrowed. 0 or -errno. */
int flow_table_new(const struct flow_table_options *o, struct flow_table **out);
void flow_table_free(struct flow_table **t);

/* A packet, as pkt_decode left it, its number in the file, and its place or CAPFILE_NOWHERE. */
struct flow_table_packet {
	uint64_t no, place;
	struct pkt p;
};
#define FLOW_TABLE_BATCH 32
/* flow_table_packets: takes at most FLOW_TABLE_BATCH packets, in order. 0; -ENOMEM, or -errno when
 * paging failed: nothing of this file is right then. */
int flow_table_packets(struct flow_table *t, const struct flow_table_packet *p, size_t n);

/* flow_table_foreign: whether an Ethernet frame surely falls to another process, so that it need
 * not be taken apart. */
bool flow_table_foreign(const struct flow_table *t, const uint8_t *frame, uint32_t caplen);

/* flow_table_finish: no more packets come; flow_table_next gives the flows from now on. 0 or
 * -errno. */
int flow_table_finish(struct flow_table *t);
/* Flows that flow_table_next will give: one in a few calls, one in very few. NULL: none. What is
 * known of them now lets the caller ask for memory that it will need. */
struct flow_table_ahead {
	const struct flow *soon, *near;
};
/* flow_table_next: the next flow, in order of the first packet's time. *f is valid until the next
 * call and may be changed (its streams finished), not kept. 1; 0 when all were given; or -errno. */
int flow_table_next(struct flow_table *t, struct flow **f, struct flow_table_ahead *ahead);

const struct flow_table_counts *flow_table_counts(const struct flow_table *t);
const struct defrag_counts *flow_table_defrag(const struct flow_table *t);
/* flow_table_incomplete: fragments of datagrams that have not completed so far. */
uint32_t flow_table_incomplete(const struct flow_table *t);

#endif
