/*
 * flow_table: the flows of one capture file.
 *
 * A flow is a 5-tuple, split where flow_splits says so and, on request, by idle time. Packets
 * inside GRE, IP-in-IP or VXLAN make flows of their own beside the outer one. All flows last until
 * the file ends, because a late packet belongs to its flow. If packets can be read again, a flow is
 * only the list of its packets' places (packet_index). Otherwise, or when the index is full, flows
 * that were not used lately are packed, in memory up to its limit and then on disk, and restored
 * when they are needed. The result is the same in all cases.
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
	uint32_t max_flows;   /* packets of further flows are only counted */
	const char *page_dir; /* folder of the pager's file */
	/* `shards` processes read the same file, and each keeps its own share of the flows. The
	 * addresses decide, so that fragments and both directions stay together. */
	uint32_t shard, shards;
	/* How a packet is read again from its place. read: false if it cannot be read; what p
	 * borrows stays until the flows are gone. ahead: loads into the cache what read will need.
	 * done: no packet before this place will be read again. */
	struct flow_table_again {
		bool (*read)(void *arg, uint64_t place, struct pkt *p); /* NULL: none has one */
		void (*ahead)(void *arg, uint64_t place);
		void (*done)(void *arg, uint64_t place);
		void *arg;
	} again;
};

struct flow_table_counts {
	uint64_t packets;
	uint64_t other;       /* not IP: ARP and so on */
	uint64_t broken;      /* headers that contradict themselves */
	uint64_t link;        /* of an unknown link type */
	uint64_t turned_away; /* packets of flows beyond max_flows */
	uint64_t deep;        /* packets in more nested tunnels than are decoded */
	/* Packets of the file that are in no outer flow: incomplete fragments, and the reasons
	 * above. packets = outside + the packets of all outer flows. */
	uint64_t outside;
	uint64_t flows, paged_out;
};

struct flow_table;

/* flow_table_new: options are copied, page_dir borrowed. 0 or -errno. */
int flow_table_new(const struct flow_table_options *o, struct flow_table **out);
void flow_table_free(struct flow_table **t);

/* A decoded packet, its number in the file, and its place (CAPFILE_NOWHERE: it has none). */
struct flow_table_packet {
	uint64_t no, place;
	struct pkt p;
};
#define FLOW_TABLE_BATCH 32
/* flow_table_packets: adds at most FLOW_TABLE_BATCH packets, in order. 0, or -ENOMEM, or -errno of
 * the pager; after an error, the table's flows are not valid. */
int flow_table_packets(struct flow_table *t, const struct flow_table_packet *p, size_t n);

/* flow_table_foreign: whether an Ethernet frame certainly belongs to another process's share, so
 * that it need not be decoded. */
bool flow_table_foreign(const struct flow_table *t, const uint8_t *frame, uint32_t caplen);

/* flow_table_finish: ends the input. From now on, flow_table_next returns the flows. 0 or
 * -errno. */
int flow_table_finish(struct flow_table *t);
/* Flows that flow_table_next will return: `soon` in a few calls, `near` in one of the next; NULL:
 * none. The caller can load what it will need for them into the cache. */
struct flow_table_ahead {
	const struct flow *soon, *near;
};
/* flow_table_next: returns the next flow, in the order of the first packets' times. *f is valid
 * until the next call; the caller may change it (finish its streams) but not keep it. 1, 0 at the
 * end, or -errno. */
int flow_table_next(struct flow_table *t, struct flow **f, struct flow_table_ahead *ahead);

const struct flow_table_counts *flow_table_counts(const struct flow_table *t);
const struct defrag_counts *flow_table_defrag(const struct flow_table *t);
/* flow_table_incomplete: fragments of datagrams that are not complete yet. */
uint32_t flow_table_incomplete(const struct flow_table *t);

#endif
