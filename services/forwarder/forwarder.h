/*
 * forwarder: the service: its state, and what it does from the check to the drain. The callbacks
 * are those of svc_desc; s->state is a struct forwarder.
 */
#ifndef FORWARDER_FORWARDER_H
#define FORWARDER_FORWARDER_H

#include <limits.h>

#include "delivery.h"
#include "rt/svc.h"
#include "sinks.h"

/* What is counted of each destination: the rows of counts.def. */
enum forwarder_count {
#define COUNT(id, ...) FORWARDER_##id,
#include "forwarder/counts.def"
	FORWARDER_COUNTS
};

#define FORWARDER_METRICS ((size_t)SINKS * FORWARDER_COUNTS)

/* System calls beyond the runtime's, and a NULL. */
#define FORWARDER_CALLS_MAX 64

struct forwarder {
	struct conf conf;
	struct svc *svc;
	struct http *http;
	struct creds_chain *creds;
	char region[32], records[PATH_MAX];
	struct destination {
		struct sink_filter filter;
		struct sink *sink; /* NULL: not wanted */
		struct delivery *delivery;
		char offset[PATH_MAX];
	} destinations[SINKS];
	uint64_t values[FORWARDER_METRICS]; /* a destination's counts stand together */
	struct metric metrics[FORWARDER_METRICS];
	const char *calls[FORWARDER_CALLS_MAX];
	struct {
		char name[48], help[160];
	} texts[FORWARDER_METRICS];
};

/* forwarder_init: fills the table of metrics; before svc_main. */
void forwarder_init(struct forwarder *f);

int forwarder_check(struct svc *s);
int forwarder_open(struct svc *s);
int forwarder_start(struct svc *s);
void forwarder_tick(struct svc *s);
void forwarder_drain(struct svc *s);

#endif
