/*
 * One zmq_poll over everything: plain descriptors, ZeroMQ sockets, one timerfd for all timers and
 * one signalfd. zmq_poll is level-triggered for both kinds, so a callback may leave work for the
 * next turn.
 */
#include "rt/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"

#define LOOP_MAX_ITEMS  64
#define LOOP_MAX_TIMERS 16

struct handler {
	loop_fn fn;
	void *arg;
};

/* period_ns 0: once; next_ns UINT64_MAX: not now. */
struct timer {
	uint64_t period_ns, next_ns;
	loop_fn fn;
	void *arg;
};

struct loop {
	zmq_pollitem_t items[LOOP_MAX_ITEMS];
	struct handler handlers[LOOP_MAX_ITEMS];
	int n;
	struct timer timers[LOOP_MAX_TIMERS];
	int ntimers;
	struct handler busy, hup;
	int signal_fd, timer_fd;
	bool stop;
};

static int add(struct loop *l, void *socket, int fd, short events, loop_fn fn, void *arg)
{
	int i;
	for (i = 0; i < l->n; i++)
		if (socket ? l->items[i].socket == socket
			   : (!l->items[i].socket && l->items[i].fd == fd))
			break;
	if (i == LOOP_MAX_ITEMS)
		return -ENOSPC;
	l->items[i] = (zmq_pollitem_t){.socket = socket, .fd = fd, .events = events};
	l->handlers[i] = (struct handler){fn, arg};
	if (i == l->n)
		l->n++;
	return 0;
}

/* zmq_poll knows its own event bits. */
static short zmq_events(short events)
{
	return (short)(((events & POLLIN) ? ZMQ_POLLIN : 0) |
		       ((events & POLLOUT) ? ZMQ_POLLOUT : 0) |
		       ((events & POLLPRI) ? ZMQ_POLLPRI : 0));
}

int loop_fd(struct loop *l, int fd, loop_fn fn, void *arg)
{
	return add(l, NULL, fd, ZMQ_POLLIN, fn, arg);
}

int loop_fd_events(struct loop *l, int fd, short events, loop_fn fn, void *arg)
{
	return add(l, NULL, fd, zmq_events(events), fn, arg);
}

int loop_zmq(struct loop *l, void *socket, loop_fn fn, void *arg)
{
	return add(l, socket, 0, ZMQ_POLLIN, fn, arg);
}

void loop_forget_fd(struct loop *l, int fd)
{
	for (int i = 0; i < l->n; i++) {
		if (l->items[i].socket || l->items[i].fd != fd)
			continue;
		l->n--;
		l->items[i] = l->items[l->n];
		l->handlers[i] = l->handlers[l->n];
		return;
	}
}

/* Sets the timerfd to the earliest timer. */
static void arm(struct loop *l)
{
	uint64_t next = UINT64_MAX;
	for (int i = 0; i < l->ntimers; i++)
		if (l->timers[i].next_ns < next)
			next = l->timers[i].next_ns;
	struct itimerspec t = {0};
	if (next != UINT64_MAX) {
		t.it_value.tv_sec = (time_t)(next / NS_PER_S);
		t.it_value.tv_nsec = (long)(next % NS_PER_S);
	}
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

int loop_every(struct loop *l, uint64_t period_ns, loop_fn fn, void *arg)
{
	if (l->ntimers == LOOP_MAX_TIMERS)
		return -ENOSPC;
	l->timers[l->ntimers++] = (struct timer){.period_ns = period_ns,
						 .next_ns = clock_mono_ns() + period_ns,
						 .fn = fn,
						 .arg = arg};
	arm(l);
	return 0;
}

int loop_at(struct loop *l, uint64_t when_ns, loop_fn fn, void *arg)
{
	int i;
	for (i = 0; i < l->ntimers; i++)
		if (!l->timers[i].period_ns && l->timers[i].fn == fn && l->timers[i].arg == arg)
			break;
	if (i == LOOP_MAX_TIMERS)
		return -ENOSPC;
	if (i == l->ntimers)
		l->ntimers++;
	/* A time of 0 would disarm the timerfd. */
	l->timers[i] = (struct timer){.next_ns = when_ns ? when_ns : 1, .fn = fn, .arg = arg};
	arm(l);
	return 0;
}

static void on_timer(void *arg)
{
	struct loop *l = arg;
	uint64_t expirations;
	if (read(l->timer_fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
		return;
	uint64_t now = clock_mono_ns();
	for (int i = 0; i < l->ntimers && !l->stop; i++) {
		struct timer *t = &l->timers[i];
		if (t->next_ns > now)
			continue;
		/* After a long stop (SIGSTOP, suspend) a timer fires once, not once per missed
		 * period. */
		if (t->period_ns)
			t->next_ns += t->period_ns * ((now - t->next_ns) / t->period_ns + 1);
		else
			t->next_ns = UINT64_MAX;
		t->fn(t->arg);
	}
	arm(l);
}

static void on_signal(void *arg)
{
	struct loop *l = arg;
	struct signalfd_siginfo si;
	while (read(l->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo == SIGHUP) {
			if (l->hup.fn)
				l->hup.fn(l->hup.arg);
		} else {
			l->stop = true;
		}
	}
}

int loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->signal_fd = l->timer_fd = -1;
	int rc;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Blocked before any thread exists, so that ZeroMQ's threads inherit it and never take a
	 * signal. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->signal_fd < 0 || l->timer_fd < 0) {
		rc = -errno;
		loop_free(&l);
		return rc;
	}
	loop_fd(l, l->signal_fd, on_signal, l);
	loop_fd(l, l->timer_fd, on_timer, l);
	*out = l;
	return 0;
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	if (!l)
		return;
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	free(l);
	*lp = NULL;
}

void loop_busy(struct loop *l, loop_fn fn, void *arg)
{
	l->busy = (struct handler){fn, arg};
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_on_hup(struct loop *l, loop_fn fn, void *arg)
{
	l->hup = (struct handler){fn, arg};
}

int loop_run(struct loop *l)
{
	while (!l->stop) {
		int rc = zmq_poll(l->items, l->n, l->busy.fn ? 0 : -1);
		if (rc < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; rc > 0 && i < l->n && !l->stop; i++) {
			/* A handler may register and forget: what moved into place i is served next
			 * turn. */
			short revents = l->items[i].revents;
			l->items[i].revents = 0;
			if (revents)
				l->handlers[i].fn(l->handlers[i].arg);
		}
		if (l->busy.fn && !l->stop)
			l->busy.fn(l->busy.arg);
	}
	return 0;
}
