/*
 * publish: what the core noticed, as messages: `reply` at a bounded rate, and reflection alerts.
 */
#ifndef RESPONDER_PUBLISH_H
#define RESPONDER_PUBLISH_H

#include "responder/respond.h"
#include "rt/svc.h"

/* publish_all: empties the core's queues. offset_ns turns the core's clock into time since the
 * epoch; budget is how many reply messages may still go out, and is used up. */
void publish_all(struct svc *s, struct responder *r, uint64_t offset_ns, uint64_t *budget);

#endif
