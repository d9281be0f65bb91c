#include <criterion/criterion.h>
#include <time.h>

#include "cloud/skew.h"

TestSuite(skew);

Test(skew, close_clocks_are_not_the_cause)
{
	uint64_t now = (uint64_t)time(NULL);
	cr_assert_not(skew_refused(0));
	cr_assert_not(skew_refused(now));
	cr_assert_not(skew_refused(now + SKEW_MAX_S - 10));
	cr_assert_not(skew_refused(now - SKEW_MAX_S + 10));
	cr_assert_eq(skew_s(), 0);
}

Test(skew, the_servers_time_is_taken)
{
	uint64_t now = (uint64_t)time(NULL);
	cr_assert(skew_refused(now + 7200));
	time_t mine, same = time(&mine);
	cr_assert_eq(mine, same);
	cr_assert((uint64_t)mine - (now + 7200) < 60);
	cr_assert_not(skew_refused(now + 7200), "it is right now");
	/* And back, when the clock was set meanwhile. */
	cr_assert(skew_refused(now));
	cr_assert(skew_s() > -60 && skew_s() < 60);
}
