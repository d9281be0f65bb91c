/*
 * feed: a capture file instead of an interface.
 *
 * Read as fast as possible, or at the speed of its own time stamps; never so fast that the journal
 * would lose what flowagg has not taken in: before that it waits for flowagg's mark.
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
	int64_t pace; /* 0: as fast as possible; n: n times the speed of the file's own time */
	uint64_t journal_bytes; /* the journal's bound */
	const char
		*filter; /* pcap-filter(7), or NULL; what it keeps out does not count as received */
	const char *journal_dir; /* for flowagg's mark */
};

/* feed_open: borrows path and journal_dir. 0 or -errno with err. */
int feed_open(const struct feed_options *o, struct feed **out, char *err, size_t errlen);
void feed_close(struct feed **f);

enum feed_state {
	FEED_MORE,  /* call again at once */
	FEED_LATER, /* call again a little later: the next packet is not due, or flowagg is behind
		     */
	FEED_END,
	/* the file breaks here, or the filter does not fit a link type in it; what came before was
	 * fed (feed_error) */
	FEED_BROKEN,
};
/* feed_step: feeds a batch. now_ns is a monotonic clock. */
enum feed_state feed_step(struct feed *f, struct outlet *o, uint64_t now_ns);
bool feed_waiting(const struct feed *f);     /* for flowagg */
uint64_t feed_last_ns(const struct feed *f); /* latest time stamp seen */
const char *feed_error(const struct feed *f);

#endif
