#include <criterion/criterion.h>

#include "cloud/retry.h"

#define S 1000000000ull

TestSuite(retry);

Test(retry, doubles_up_to_the_cap)
{
	/* random 2^63 - 1 modulo the span: any number; the bounds are what counts. */
	for (unsigned attempts = 1; attempts < 200; attempts++) {
		uint64_t full = attempts < 8 ? (S / 4) << (attempts - 1) : 30 * S;
		full = full > 30 * S ? 30 * S : full;
		cr_assert_eq(retry_delay_ns(attempts, S / 4, 30 * S, 0), full - full / 2);
		cr_assert_eq(retry_delay_ns(attempts, S / 4, 30 * S, full / 2), full);
		uint64_t d = retry_delay_ns(attempts, S / 4, 30 * S, retry_random());
		cr_assert(d >= full / 2 && d <= full);
	}
}

Test(retry, a_base_above_the_cap_is_the_cap)
{
	cr_assert_eq(retry_delay_ns(1, 9 * S, 2 * S, S), 2 * S);
	cr_assert_eq(retry_delay_ns(64, UINT64_MAX, UINT64_MAX, UINT64_MAX / 2), UINT64_MAX);
	cr_assert_eq(retry_delay_ns(0, S, 2 * S, 0), S / 2);
}

Test(retry, random_numbers_differ)
{
	uint64_t a = retry_random(), b = retry_random(), c = retry_random();
	cr_assert(a != b && b != c && a != c);
}

Test(retry, after_in_seconds)
{
	cr_assert_eq(retry_after_ns("3", 0, 60 * S), 3 * S);
	cr_assert_eq(retry_after_ns(" \t7", 0, 60 * S), 7 * S);
	cr_assert_eq(retry_after_ns("61", 0, 60 * S), 60 * S);
	cr_assert_eq(retry_after_ns("99999999999999999999999999999", 0, 60 * S), 60 * S);
	cr_assert_eq(retry_after_ns("", 0, 60 * S), 0);
	cr_assert_eq(retry_after_ns("soon", 0, 60 * S), 0);
	cr_assert_eq(retry_after_ns("-4", 0, 60 * S), 0);
}

Test(retry, after_as_a_date)
{
	const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
	cr_assert_eq(retry_after_ns(date, 784111777 - 9, 60 * S), 9 * S);
	cr_assert_eq(retry_after_ns(date, 784111777, 60 * S), 0);
	cr_assert_eq(retry_after_ns(date, 0, 60 * S), 60 * S);
}
