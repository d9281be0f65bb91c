/*
 * flow_clock: the flow clock. It runs on the time stamps of packets and ticks, so that the same
 * packets end the same flows whenever they are read, and it never runs backwards: when the stamps
 * do, it stands still and goes on from there. So a clock step loses no flow and makes none
 * immortal.
 */
#ifndef FLOWAGG_FLOW_CLOCK_H
#define FLOWAGG_FLOW_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Stamps may be so much out of order without the clock being taken for set back. */
#define CLOCK_DISORDER_NS UINT64_C(2000000000)

struct flow_clock {
	uint64_t now;    /* ns of flow time since the first packet ever */
	uint64_t ref_ns; /* the stamp that `now` stands for; 0 before the first */
};

/* flow_clock_see: true when the clock was set back. */
static inline bool flow_clock_see(struct flow_clock *c, uint64_t ts_ns)
{
	if (!c->ref_ns || ts_ns >= c->ref_ns) {
		if (c->ref_ns)
			c->now += ts_ns - c->ref_ns;
		c->ref_ns = ts_ns;
		return false;
	}
	if (c->ref_ns - ts_ns <= CLOCK_DISORDER_NS)
		return false;
	c->ref_ns = ts_ns;
	return true;
}

#endif
