/*
 * capture_reader: reads one capture file and returns its records, one by one.
 */
#ifndef ANALYZER_CAPTURE_READER_H
#define ANALYZER_CAPTURE_READER_H

#include <stdatomic.h>
#include <stdint.h>

#include "pkt/capfile.h"
#include "record/record.h"
#include "table/flow_table.h"

struct packet_filter;

struct capture_reader_options {
	struct flow_table_options flows;
	struct packet_filter *filter; /* NULL: every packet */
	/* NULL, or a counter to which bytes read are added from time to time, to show progress. */
	_Atomic uint64_t *progress;
};

/* What became of a file. */
struct capture_reader_result {
	/* 0; -EBADMSG: it breaks off at offset; another -errno: reading or paging failed there / */
	int rc;
	uint64_t offset; /* uncompressed bytes that were good */
	char error[192]; /* why, if rc is not 0 */
	uint64_t records;
	uint64_t incomplete; /* fragmented datagrams that never completed */
	uint64_t strays;     /* packets in counts.link whose interface the file does not describe */
	int unknown_link;    /* one link type of the other packets in counts.link */
	/* If unfiltered is not empty: a link type for which the filter has no meaning. Its packets
	 * are not read; unfiltered says why. */
	int unfiltered_link;
	char unfiltered[160];
	struct flow_table_counts counts;
	struct defrag_counts defrag;
};

/* One capture file being read. */
struct capture_reader {
	const struct capture_reader_options *o;
	struct capfile *c;
	struct record *record;
	struct record_source *src;
	struct flow_table *flows;
	struct capture_reader_result res;
};

/* capture_reader_open: reads c to its end, or to where it breaks; its records then come from
 * capture_reader_next. Sets src->broken, and of a stream without a name src->key. Borrows all its
 * arguments until capture_reader_close. 0, also for a file that breaks; -errno: no record of it
 * would be right. */
int capture_reader_open(struct capture_reader *r, const struct capture_reader_options *o,
			struct capfile *c, struct record *record, struct record_source *src);

/* capture_reader_next: makes *record of the next flow, in order of the flows' first packets. The
 * record and *f, the flow that it was made of, are valid until the next call. 1, 0 at the end, or
 * -errno. */
int capture_reader_next(struct capture_reader *r, const struct flow **f);

/* capture_reader_close: to be called also when one of the above failed. *res: what became of the
 * file. Leaves c open. */
void capture_reader_close(struct capture_reader *r, struct capture_reader_result *res);

#endif
