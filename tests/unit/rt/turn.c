#include "turn.h"

#include <time.h>
#include <zmq.h>

#include "rt/loop.h"

static zmq_pollitem_t items[32];
static struct {
	loop_fn fn;
	void *arg;
} handlers[32];
static int n;

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

int turn_mark(void)
{
	return n;
}

void turn_forget(int mark)
{
	n = mark;
}
