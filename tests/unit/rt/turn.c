#include "turn.h"

#include <time.h>
#include <zmq.h>

#include "base/clock.h"
#include "rt/loop.h"

static zmq_pollitem_t items[128];
static struct {
	loop_fn fn;
	void *arg;
} handlers[128];
static int n;

static struct {
	loop_fn fn;
	void *arg;
	uint64_t period_ns, next_ns;
} timers[8];
static int ntimers;

int loop_every(struct loop *l, uint64_t period_ns, loop_fn fn, void *arg)
{
	(void)l;
	timers[ntimers].fn = fn;
	timers[ntimers].arg = arg;
	timers[ntimers].period_ns = period_ns;
	timers[ntimers].next_ns = clock_mono_ns() + period_ns;
	ntimers++;
	return 0;
}

int loop_zmq(struct loop *l, void *socket, loop_fn fn, void *arg)
{
	(void)l;
	items[n] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
	handlers[n].fn = fn;
	handlers[n].arg = arg;
	n++;
	return 0;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void turn(void)
{
	zmq_poll(items, n, 5);
	for (int i = 0; i < n; i++) {
		if (items[i].revents)
			handlers[i].fn(handlers[i].arg);
	}
	for (int i = 0; i < ntimers; i++) {
		if (clock_mono_ns() < timers[i].next_ns)
			continue;
		timers[i].next_ns += timers[i].period_ns;
		timers[i].fn(timers[i].arg);
	}
}

bool turn_until(bool (*done)(void *arg), void *arg)
{
	for (uint64_t end = clock_mono_ns() + 20000000000u; clock_mono_ns() < end;) {
		if (done(arg))
			return true;
		turn();
	}
	return done(arg);
}

void turn_for(int ms)
{
	for (uint64_t end = clock_mono_ns() + (uint64_t)ms * 1000000u; clock_mono_ns() < end;)
		turn();
}
