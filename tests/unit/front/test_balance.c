#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#include "balance.h"
#include "inventory.h"
#include "stat_history.h"
#include "stat_notes.h"

/* The disk took no note at the start of the second run. */
Test(balance, a_run_whose_first_note_is_late_is_counted_from_its_start)
{
	static const char *const late =
		"{\"mark\":\"stop\",\"ts_ns\":900,\"start_ns\":4,\"counters\":{\"packets\":9},\"gauges\":{\"first_number\":133,\"next_number\":142}}";
	struct stat_history t = {.until_ns = 1000};
	struct balance b;
	stat_three_runs(&t);
	cr_assert_eq(stat_history_add(&t, "capture", json_tokener_parse(late)), 0);
	cr_expect_eq(stat_history_late(&t, "capture", "next_number", "first_number"), 7 + 2);
	balance_draw(&balance_rules[1], &t, &(struct inventory){0}, &b);
	cr_expect_eq(b.in_sum, 141);
	cr_expect_eq(b.out_sum, 98 + 20 + 5 + 9 + 7 + 2);
	stat_history_free(&t);

	t = (struct stat_history){.since_ns = 750, .until_ns = 1000};
	cr_assert_eq(stat_history_add(&t, "capture", json_tokener_parse(late)), 0);
	cr_expect_eq(stat_history_begin(&t, "capture", "next_number", "first_number"), 133);
	stat_history_free(&t);
}

Test(balance, what_is_missing_shows)
{
	struct stat_history t = {.until_ns = 1000};
	struct inventory s = {.for_uploader = 10, .objects = 6, .uploader_queue = 3};
	struct balance b;
	stat_three_runs(&t);
	balance_draw(&balance_rules[0], &t, &s, &b);
	cr_expect_eq(b.in_sum, 125);
	cr_expect_eq(b.out_sum, 125);
	for (size_t i = 0; i < balance_nrules; i++) {
		const struct balance_rule *r = &balance_rules[i];
		cr_expect(r->in[0].name && r->out[0].name);
		if (strcmp(r->service, "uploader") != 0)
			continue;
		balance_draw(r, &t, &s, &b);
		cr_expect_eq(b.in_sum - b.out_sum, 1, "one packet is nowhere");
	}
	stat_history_free(&t);
}

static int64_t missing_numbers(const struct stat_history *t, struct journal_range *journal,
			       size_t n)
{
	struct inventory s = {.journal = {journal, n}};
	struct balance b;
	balance_hand(&s, t, t);
	for (size_t i = 0; i < balance_nrules; i++)
		if (strcmp(balance_rules[i].service, "journal") == 0) {
			balance_draw(&balance_rules[i], t, &s, &b);
			return (int64_t)(b.in_sum - b.out_sum);
		}
	cr_assert_fail("no such rule");
	return 0;
}

Test(balance, numbers_between_capture_and_flowagg)
{
	struct journal_range all = {1, 101}, rest = {61, 101}, holed[] = {{1, 71}, {81, 101}};
	struct stat_history t = {.until_ns = 1000};
	stat_note_of(&t, "capture", 1, "\"next_number\":101");
	cr_expect_eq(missing_numbers(&t, &all, 1), 0, "flowagg did not run yet");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 100, "the journal is gone");
	cr_expect_eq(missing_numbers(&t, holed, 2), 10);
	stat_note_of(&t, "flowagg", 1, "\"next_number\":61,\"total_packets\":60");
	cr_expect_eq(missing_numbers(&t, &all, 1), 0, "what was taken in does not wait");
	cr_expect_eq(missing_numbers(&t, &rest, 1), 0);
	cr_expect_eq(missing_numbers(&t, NULL, 0), 40);
	stat_note_of(&t, "flowagg", 2, "\"next_number\":101,\"total_packets\":60,\"total_gap\":40");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 40, "that nobody had them is no account");
	stat_note_of(&t, "capture", 2, "\"next_number\":101,\"journal_removed_unread\":30");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 10, "but that they were removed is");
	stat_note_of(&t, "flowagg", 3,
		     "\"next_number\":101,\"total_packets\":60,\"total_before\":40");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 10);
	stat_note_of(&t, "capture", 3, "\"next_number\":101,\"journal_removed\":1");
	cr_expect_eq(missing_numbers(&t, NULL, 0), 0, "before flowagg's first start");
	stat_history_free(&t);
}

Test(balance, a_queue_is_given_what_came_while_it_was_there)
{
	struct stat_history t = {.until_ns = 1000};
	struct inventory s = {0};
	stat_note_of(&t, "flowagg", 1,
		     "\"total_delivered\":10,\"for_uploader\":1,\"for_analyzer\":1");
	stat_note_of(&t, "flowagg", 2, "\"total_delivered\":30,\"for_uploader\":1");
	stat_note_of(&t, "flowagg", 3,
		     "\"total_delivered\":35,\"for_uploader\":1,\"for_analyzer\":1");
	balance_hand(&s, &t, &t);
	cr_expect_eq(s.for_uploader, 35);
	cr_expect_eq(s.for_analyzer, 15);
	cr_expect(s.uploads && s.analyses);
	stat_history_free(&t);
}

Test(balance, what_cannot_be_drawn_but_should_is_missing)
{
	struct stat_history none = {0}, t = {.until_ns = 1000};
	const char *why;
	stat_note_of(&t, "capture", 1, "\"next_number\":101");
	for (size_t i = 0; i < balance_nrules; i++) {
		const struct balance_rule *r = &balance_rules[i];
		struct inventory idle = {0}, busy = {.given = 1,
						     .by_flowagg = true,
						     .uploads = true,
						     .analyses = true,
						     .objects = 1,
						     .records = 1};
		cr_expect_eq(balance_ready(r, &none, &none, &idle, &why), BALANCE_NOTHING);
		if (strcmp(r->service, "journal") != 0)
			cr_expect_eq(balance_ready(r, &none, &none, &busy, &why), BALANCE_MISSING);
		if (strcmp(r->service, "capture") == 0) {
			cr_expect_eq(balance_ready(r, &t, &t, &busy, &why), BALANCE_READY);
			cr_expect_eq(balance_ready(r, &none, &t, &busy, &why), BALANCE_NOTHING,
				     "no counters of that time");
		}
	}
	stat_history_free(&t);
}
