/*
 * flow_clock: the flow clock. It runs on the time stamps of packets and ticks, so the same packets
 * end the same flows whenever they are read. It never runs backwards: when the time stamps do, it
 * stands still and continues from there. A clock step therefore neither loses a flow nor keeps one
 * open for ever.
 */
#ifndef FLOWAGG_FLOW_CLOCK_H
#define FLOWAGG_FLOW_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Time stamps may be this much out of order before the clock counts as set back. */
#define CLOCK_DISORDER_NS UINT64_C(2000000000)

struct flow_clock {
	uint64_t now;    /* ns of flow time since the first packet ever */
	uint64_t ref_ns; /* the stamp that `now` stands for; 0 before the first */
};

/* flow_clock_see: advances the clock to a time stamp. true: the clock was set back. */
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
