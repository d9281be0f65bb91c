/* The object of retry.h that says when people are told. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cloud/retry.h"

#define S 1000000000ull

static struct {
	int begun, ended;
	bool stuck;
	char message[600];
} told;

static void on_alert(void *arg, bool begins, bool stuck, const char *message)
{
	(void)arg;
	told.begun += begins;
	told.ended += !begins;
	told.stuck = stuck;
	snprintf(told.message, sizeof told.message, "%s", message);
}

static struct retry outage(uint64_t alert_ns, unsigned streak)
{
	const struct retry_conf conf = {.first_ns = S,
					.max_ns = 8 * S,
					.stuck_ns = 60 * S,
					.alert_ns = alert_ns,
					.alert_streak = streak,
					.begins = "objects wait",
					.ends = "objects are stored again"};
	struct retry r;
	memset(&told, 0, sizeof told);
	retry_init(&r, &conf, on_alert, NULL);
	return r;
}

static uint64_t fail(struct retry *r, struct attempts *a, enum outcome o, uint64_t wait_ns,
		     uint64_t now_ns)
{
	const struct failure f = {.outcome = o, .why = "as told", .wait_ns = wait_ns};
	a->n++;
	retry_failed(r, a, &f, now_ns, 0);
	return a->at_ns - now_ns;
}

TestSuite(outage);

Test(outage, back_off_grows_to_its_end)
{
	struct retry r = outage(UINT64_MAX, 0);
	struct attempts a = {0};
	uint64_t want[] = {S / 2, S, 2 * S, 4 * S, 4 * S};
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(fail(&r, &a, OUTCOME_RETRY, 0, 0), want[i]);
	cr_assert_eq(r.streak, 5);
	cr_assert_eq(told.begun, 0);
}

Test(outage, the_other_side_may_ask_for_more)
{
	struct retry r = outage(UINT64_MAX, 0);
	struct attempts a = {0};
	cr_assert_eq(fail(&r, &a, OUTCOME_RETRY, 9 * S, 5), 9 * S);
	cr_assert_eq(fail(&r, &a, OUTCOME_RETRY, 1, 5), S, "less than the back-off is no matter");
}

Test(outage, what_needs_a_person_is_told_at_once_and_only_once)
{
	struct retry r = outage(UINT64_MAX, 0);
	struct attempts a = {0}, b = {0};
	cr_assert_eq(fail(&r, &a, OUTCOME_STUCK, 0, 7), 30 * S);
	fail(&r, &b, OUTCOME_STUCK, 0, 8);
	cr_assert(told.begun == 1 && told.stuck);
	cr_assert_str_eq(told.message, "objects wait: as told");
	cr_assert(retry_in_outage(&r));
	cr_assert_not(retry_passed(&r), "two failures keep nobody");
	cr_assert(told.ended == 1 && !told.stuck);
	cr_assert_str_eq(told.message, "objects are stored again");
	retry_passed(&r);
	cr_assert_eq(told.ended, 1);
}

Test(outage, failures_that_last_are_one)
{
	struct retry r = outage(60 * S, 0);
	struct attempts a = {0};
	fail(&r, &a, OUTCOME_RETRY, 0, 100 * S);
	fail(&r, &a, OUTCOME_RETRY, 0, 160 * S - 1);
	cr_assert_eq(told.begun, 0);
	fail(&r, &a, OUTCOME_RETRY, 0, 160 * S);
	fail(&r, &a, OUTCOME_RETRY, 0, 170 * S);
	cr_assert(told.begun == 1 && !told.stuck);
	cr_assert(retry_passed(&r));
	fail(&r, &a, OUTCOME_RETRY, 0, 200 * S);
	cr_assert_eq(told.begun, 1, "the time begins anew");
}

Test(outage, many_failures_are_one)
{
	struct retry r = outage(UINT64_MAX, 6);
	struct attempts a = {0};
	for (int i = 0; i < 5; i++)
		fail(&r, &a, OUTCOME_RETRY, 0, 0);
	cr_assert_eq(told.begun, 0);
	fail(&r, &a, OUTCOME_RETRY, 0, 0);
	cr_assert_eq(told.begun, 1);
}

Test(outage, nobody_need_be_told)
{
	struct retry r;
	struct attempts a = {0};
	retry_init(&r, &(struct retry_conf){.first_ns = S, .max_ns = S}, NULL, NULL);
	cr_assert_eq(fail(&r, &a, OUTCOME_STUCK, 0, 0), S / 2);
	cr_assert_not(retry_passed(&r));
}

Test(outage, outcomes_have_words)
{
	cr_assert_str_eq(outcome_text(OUTCOME_OK), "ok");
	cr_assert_str_eq(outcome_text(OUTCOME_RETRY), "retry");
	cr_assert_str_eq(outcome_text(OUTCOME_STUCK), "stuck");
	cr_assert_str_eq(outcome_text(OUTCOME_REFUSED), "refused");
	cr_assert_str_eq(outcome_text((enum outcome)99), "unknown");
}
