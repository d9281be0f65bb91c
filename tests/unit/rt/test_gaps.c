#include "rt/gaps.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct gaps *g;
static uint64_t missed;
static bool new_epoch;

static void setup(void)
{
	cr_assert_eq(gaps_new(&g), 0);
}

static void fini(void)
{
	gaps_free(&g);
	cr_assert_null(g);
}

TestSuite(gaps, .init = setup, .fini = fini);

static int note(const char *producer, const char *topic, uint64_t epoch, uint64_t seq)
{
	return gaps_note(g, bytes_str("s"), bytes_str(producer), bytes_str(topic), epoch, seq,
			 &missed, &new_epoch);
}

#define EXPECT(call, want_missed, want_new)        \
	do {                                       \
		cr_assert_eq(call, 0);             \
		cr_assert_eq(missed, want_missed); \
		cr_assert_eq(new_epoch, want_new); \
	} while (0)

Test(gaps, counts_what_lies_between)
{
	EXPECT(note("capture", "packet", 1, 5), 0, true); /* what was before we came is not ours */
	EXPECT(note("capture", "packet", 1, 6), 0, false);
	EXPECT(note("capture", "packet", 1, 10), 3, false);
	EXPECT(note("capture", "packet", 1, UINT64_MAX - 1), UINT64_MAX - 12, false);
}

Test(gaps, topics_producers_and_sensors_are_apart)
{
	EXPECT(note("capture", "packet", 1, 0), 0, true);
	EXPECT(note("capture", "stat", 1, 7), 0, true);
	EXPECT(note("flowagg", "stat", 1, 3), 0, true);
	EXPECT(note("capture", "packet", 1, 1), 0, false);
	EXPECT(note("capture", "stat", 1, 8), 0, false);
	EXPECT(gaps_note(g, bytes_str("t"), bytes_str("capture"), bytes_str("stat"), 1, 9, &missed,
			 &new_epoch),
	       0, true);
	/* The same letters, cut elsewhere. */
	EXPECT(note("capturest", "at", 1, 0), 0, true);
}

Test(gaps, a_restart_loses_the_begin_of_its_epoch)
{
	EXPECT(note("capture", "packet", 100, 41), 0, true);
	EXPECT(note("capture", "packet", 200, 4), 4, true);
	EXPECT(note("capture", "packet", 200, 5), 0, false);
	EXPECT(note("capture", "packet", 50, 0), 0, true); /* a clock that was set back */
}

Test(gaps, what_cannot_be_is_refused)
{
	EXPECT(note("capture", "packet", 1, 5), 0, true);
	cr_assert_eq(note("capture", "packet", 1, 5), -EINVAL);
	cr_assert_eq(note("capture", "packet", 1, 4), -EINVAL);
	cr_assert_eq(note("capture", "packet", 1, UINT64_MAX), -EINVAL);
	EXPECT(note("capture", "packet", 1, 6), 0, false);
}

Test(gaps, names_are_bounded)
{
	char text[80];
	memset(text, 'x', sizeof text);
	struct bytes ok = bytes_str("x");
	static const size_t most[3] = {GAPS_SENSOR, GAPS_PRODUCER, GAPS_TOPIC};
	for (int i = 0; i < 3; i++) {
		for (int over = -1; over <= 1; over++) {
			struct bytes names[3] = {ok, ok, ok};
			names[i] = bytes_of(text, over < 0 ? 0 : most[i] + (size_t)over);
			int want = over == 0 ? 0 : -EINVAL;
			cr_assert_eq(gaps_note(g, names[0], names[1], names[2], 1, 0, &missed,
					       &new_epoch),
				     want);
		}
	}
}

Test(gaps, rows_are_bounded)
{
	char name[16];
	for (int i = 0; i < GAPS_ROWS; i++) {
		snprintf(name, sizeof name, "p%d", i);
		cr_assert_eq(note(name, "t", 1, 0), 0);
	}
	cr_assert_eq(note("one-more", "t", 1, 0), -ENOSPC);
	EXPECT(note("p0", "t", 1, 2), 1, false);
}
