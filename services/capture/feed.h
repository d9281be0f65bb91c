/*
 * feed: a capture file as the input, instead of an interface.
 *
 * The file is read as fast as possible, or at the pace of its time stamps. Before the journal would
 * delete packets that flowagg has not taken in, the feed waits for flowagg's mark.
 */
#ifndef CAPTURE_FEED_H
#define CAPTURE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/outlet.h"

struct feed;

struct feed_options {
	const char *path;
	int64_t pace;           /* 0: as fast as possible; n: n times the recorded speed */
	uint64_t journal_bytes; /* size limit of the journal */
	/* pcap-filter(7), or NULL; packets that it rejects do not count as received */
	const char *filter;
	const char *journal_dir; /* holds flowagg's mark */
};

/* feed_open: borrows the strings of *o. 0, or -errno with the reason in err. */
int feed_open(const struct feed_options *o, struct feed **out, char *err, size_t errlen);
void feed_close(struct feed **f);

enum feed_state {
	FEED_MORE,  /* call again at once */
	FEED_LATER, /* call again soon: the next packet is not due, or flowagg is behind */
	FEED_END,
	/* the file is broken here, or the filter does not compile for one of its link types
	 * (feed_error says which); all packets before were fed */
	FEED_BROKEN,
};
/* feed_step: feeds a batch. now_ns is monotonic time. */
enum feed_state feed_step(struct feed *f, struct outlet *o, uint64_t now_ns);
bool feed_waiting(const struct feed *f);     /* whether it waits for flowagg */
uint64_t feed_last_ns(const struct feed *f); /* latest time stamp seen */
const char *feed_error(const struct feed *f);

#endif
