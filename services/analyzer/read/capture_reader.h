/*
 * capture_reader: one capture file in, its records out.
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
	/* When set, bytes read are added now and then, for whoever shows progress. */
	_Atomic uint64_t *progress;
};

/* What became of a file. */
struct capture_reader_result {
	int rc; /* 0; -EBADMSG: it breaks at offset; another -errno: reading or paging failed there
		 */
	uint64_t offset; /* uncompressed bytes that were good */
	char error[192]; /* why, if rc is not 0 */
	uint64_t records;
	uint64_t incomplete; /* fragmented datagrams that never completed */
	uint64_t strays;  /* of counts.link, those of interfaces that the file does not describe */
	int unknown_link; /* one of the others' */
	int unfiltered_link; /* one that the filter has no meaning for, if unfiltered (why) is not empty: its packets are
			      * not read */
	char unfiltered[160];
	struct flow_table_counts counts;
	struct defrag_counts defrag;
};

/* capture_reader_fn: takes one record; f is the flow it was made of. Not 0 ends the file with that result.
 */
typedef int (*capture_reader_fn)(void *arg, struct record *r, const struct flow *f);

/* capture_reader_run: reads c to its end (or to where it breaks), then hands out the records in order of
 * their first packet's time. src->broken is set by it, and of a stream without a name src->key. 0,
 * also for a file that breaks (see res->rc), or -errno: no record of this file is right, or fn's
 * result. */
int capture_reader_run(const struct capture_reader_options *o, struct capfile *c, struct record *r,
		       struct record_source *src, capture_reader_fn fn, void *arg,
		       struct capture_reader_result *res);

#endif
