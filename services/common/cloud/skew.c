#include "cloud/skew.h"

#include <time.h>

static int64_t ahead_s; /* of the servers' clock to ours */

time_t time(time_t *out)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	time_t s = t.tv_sec + (time_t)__atomic_load_n(&ahead_s, __ATOMIC_RELAXED);
	if (out)
		*out = s;
	return s;
}

int64_t skew_s(void)
{
	return __atomic_load_n(&ahead_s, __ATOMIC_RELAXED);
}

bool skew_refused(uint64_t date_s)
{
	int64_t apart = (int64_t)date_s - (int64_t)time(NULL);
	if (!date_s || (apart <= SKEW_MAX_S && apart >= -SKEW_MAX_S))
		return false;
	__atomic_add_fetch(&ahead_s, apart, __ATOMIC_RELAXED);
	return true;
}
