#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "elsewhere.h"
#include "time_arg.h"

TestSuite(time_arg, .init = elsewhere);

Test(time_arg, every_form)
{
	uint64_t t;
	cr_assert_eq(time_arg_parse("2h", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 7200 * NS_PER_S);
	cr_assert_eq(time_arg_parse("7d", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 7 * 86400 * NS_PER_S);
	cr_assert_eq(time_arg_parse("today", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 12 * 3600 * NS_PER_S);
	cr_assert_eq(time_arg_parse("yesterday", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 36 * 3600 * NS_PER_S);
	cr_assert_eq(time_arg_parse("2026-11-21", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 12 * 3600 * NS_PER_S);
	cr_assert_eq(time_arg_parse("2026-11-21T11:59:30Z", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 30 * NS_PER_S);
	cr_assert_eq(time_arg_parse("2026-11-21 11:30", NOON_NS, &t), 0);
	cr_expect_eq(t, NOON_NS - 1800 * NS_PER_S);
	cr_assert_eq(time_arg_parse("99999999999999999w", NOON_NS, &t), 0,
		     "a span beyond 1970 is all time");
	cr_expect_eq(t, 0);
	static const struct {
		const char *text;
		int seconds; /* after 8:30 */
	} offsets[] = {{"2026-11-21T08:30:00+01:00", -3600}, {"2026-11-21T08:30-0530", 19800},
		       {"2026-11-21 08:30:05+02", -7195},    {"2026-11-21T08:30", 0},
		       {"2026-11-21T08:30:00Z", 0},          {"2026-11-21+00:30", -32400}};
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		cr_assert_eq(time_arg_parse(offsets[i].text, NOON_NS, &t), 0, "%s",
			     offsets[i].text);
		cr_expect_eq(t,
			     NOON_NS - 12600 * NS_PER_S +
				     (uint64_t)(int64_t)offsets[i].seconds * NS_PER_S,
			     "%s", offsets[i].text);
	}
	static const char *const bad[] = {"",
					  "soon",
					  "5",
					  "5y",
					  "2h30m",
					  "-3h0",
					  "-5h",
					  "+5h",
					  " 5h",
					  "2026-11-21x",
					  "2026-02-30",
					  "2026-13-01",
					  "2026-11-31T08:30Z",
					  "2026-11-21T08:30+1:00",
					  "2026-11-21T08:30+01:",
					  "2026-11-21T08:30+24:00",
					  "2026-11-21T08:30Z1",
					  "2026-11-21T08:30+01:60",
					  "2026-11-21T08:30+01:00x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_eq(time_arg_parse(bad[i], NOON_NS, &t), -EINVAL, "%s", bad[i]);
}

Test(time_arg, a_wrong_option_is_named)
{
	uint64_t t = 7;
	char err[320] = "";
	cr_assert_eq(time_arg_option("--since", NULL, NOON_NS, &t, err, sizeof err), 0);
	cr_expect_eq(t, 7, "an option that is not given changes nothing");
	cr_assert_eq(time_arg_option("--since", "2h", NOON_NS, &t, err, sizeof err), 0);
	cr_expect_eq(t, NOON_NS - 7200 * NS_PER_S);
	cr_expect_str_eq(err, "");
	cr_expect_eq(time_arg_option("--until", "soon", NOON_NS, &t, err, sizeof err), -EINVAL);
	cr_expect(strstr(err, "--until: \"soon\" is not valid: expected today"), "%s", err);
	cr_expect_eq(t, NOON_NS - 7200 * NS_PER_S);
}
