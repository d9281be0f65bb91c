/*
 * fakeclock: a preloaded library that sets the time of day of a running program. The file that
 * $FAKECLOCK names holds the seconds to add (mapped_number.h). CLOCK_MONOTONIC is not changed.
 * (libfaketime also shifts the CLOCK_MONOTONIC times given to timerfd_settime(2), and such timers
 * never expire.)
 */
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "mapped_number.h"

static const volatile int64_t *seconds;

__attribute__((constructor)) static void fakeclock_begin(void)
{
	seconds = mapped_number("FAKECLOCK");
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	long rc = syscall(SYS_clock_gettime, id, out);

	if (!rc && seconds && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += *seconds;
	return (int)rc;
}

int gettimeofday(struct timeval *out, void *zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*out = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}
