#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"

#include "rt/loop.h"

struct seen {
	struct loop *loop;
	int fd, calls, limit;
	bool hup;
};

static void on_byte(void *arg)
{
	struct seen *s = arg;
	char c;
	cr_assert_eq(read(s->fd, &c, 1), 1);
	if (++s->calls == s->limit)
		loop_stop(s->loop);
}

static void on_time(void *arg)
{
	struct seen *s = arg;
	if (++s->calls == s->limit)
		loop_stop(s->loop);
}

static void on_term(void *arg)
{
	(void)arg;
	raise(SIGTERM);
}

static void on_hup(void *arg)
{
	struct seen *s = arg;
	s->hup = true;
	loop_stop(s->loop);
}

static void raise_hup(void *arg)
{
	(void)arg;
	raise(SIGHUP);
}

Test(loop, descriptor_is_level_triggered)
{
	int p[2];
	cr_assert_eq(pipe(p), 0);
	struct seen s = {.fd = p[0], .limit = 3};
	cr_assert_eq(loop_new(&s.loop), 0);
	cr_assert_eq(loop_fd(s.loop, p[0], on_byte, &s), 0);
	cr_assert_eq(write(p[1], "abc", 3), 3);
	cr_assert_eq(loop_run(s.loop), 0);
	cr_assert_eq(s.calls, 3);
	loop_free(&s.loop);
	cr_assert_null(s.loop);
}

Test(loop, paused_and_forgotten_descriptors_are_left_alone)
{
	int p[2];
	cr_assert_eq(pipe(p), 0);
	struct seen s = {.fd = p[0], .limit = 1}, t = {.limit = 3};
	cr_assert_eq(loop_new(&s.loop), 0);
	t.loop = s.loop;
	cr_assert_eq(write(p[1], "a", 1), 1);
	cr_assert_eq(loop_fd_events(s.loop, p[0], 0, on_byte, &s), 0);
	cr_assert_eq(loop_every(s.loop, 1000000, on_time, &t), 0);
	cr_assert_eq(loop_run(s.loop), 0);
	cr_assert_eq(s.calls, 0);
	loop_forget_fd(s.loop, p[0]);
	loop_forget_fd(s.loop, 999);
	loop_free(&s.loop);
}

Test(loop, table_is_bounded)
{
	struct loop *l;
	cr_assert_eq(loop_new(&l), 0);
	int rc = 0;
	for (int i = 0; i < 100 && !rc; i++)
		rc = loop_fd_events(l, 1000 + i, POLLIN, on_time, NULL);
	cr_assert_eq(rc, -ENOSPC);
	rc = 0;
	for (int i = 0; i < 100 && !rc; i++)
		rc = loop_every(l, 1000000000, on_time, NULL);
	cr_assert_eq(rc, -ENOSPC);
	loop_free(&l);
}

Test(loop, busy_work_is_done_between_events)
{
	struct seen s = {.limit = 5};
	cr_assert_eq(loop_new(&s.loop), 0);
	loop_busy(s.loop, on_time, &s);
	cr_assert_eq(loop_run(s.loop), 0);
	cr_assert_eq(s.calls, 5);
	loop_free(&s.loop);
}

Test(loop, sigterm_ends_it)
{
	struct loop *l;
	cr_assert_eq(loop_new(&l), 0);
	cr_assert_eq(loop_every(l, 1000000, on_term, NULL), 0);
	cr_assert_eq(loop_run(l), 0);
	loop_free(&l);
}

Test(loop, sighup_calls_back)
{
	struct seen s = {0};
	cr_assert_eq(loop_new(&s.loop), 0);
	loop_on_hup(s.loop, on_hup, &s);
	cr_assert_eq(loop_every(s.loop, 1000000, raise_hup, NULL), 0);
	cr_assert_eq(loop_run(s.loop), 0);
	cr_assert(s.hup);
	loop_free(&s.loop);
}

Test(loop, clocks_advance)
{
	uint64_t a = clock_mono_ns(), r = clock_real_ns();
	cr_assert_geq(clock_mono_ns(), a);
	cr_assert_gt(r, 1500000000ull * 1000000000ull);
}
