/*
 * input: one capture file in, its records out.
 */
#ifndef ANALYZER_INPUT_H
#define ANALYZER_INPUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "flows.h"
#include "pkt/capfile.h"
#include "record.h"

struct filter;

struct input_options {
	struct flows_options flows;
	struct filter *filter; /* NULL: every packet */
	/* When set, bytes read are added now and then, for whoever shows progress. */
	_Atomic uint64_t *progress;
};

/* What became of a file. */
struct input_result {
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
	struct flows_counts counts;
	struct defrag_counts defrag;
};

/* input_fn: takes one record; f is the flow it was made of. Not 0 ends the file with that result.
 */
typedef int (*input_fn)(void *arg, struct record *r, const struct flow *f);

/* input_read: reads c to its end (or to where it breaks), then hands out the records in order of
 * their first packet's time. src->broken is set by it, and of a stream without a name src->key. 0,
 * also for a file that breaks (see res->rc), or -errno: no record of this file is right, or fn's
 * result. */
int input_read(const struct input_options *o, struct capfile *c, struct record *r,
	       struct record_source *src, input_fn fn, void *arg, struct input_result *res);

#endif
