#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "aws/inflight.h"

#define S 1000000000ull

static struct inflight h;

static void begin(void)
{
	cr_assert_eq(inflight_init(&h, 25), 0);
}

static void end(void)
{
	inflight_fini(&h);
}

TestSuite(inflight, .init = begin, .fini = end);

static struct inflight_message *add(unsigned number, uint64_t now, uint64_t visible)
{
	static char id[16], handle[16];
	snprintf(id, sizeof id, "id-%u", number);
	snprintf(handle, sizeof handle, "h-%u", number);
	struct sqs_message m = {.id = bytes_str(id),
				.handle = bytes_str(handle),
				.body = bytes_str("{}"),
				.receives = 1};
	return inflight_add(&h, &m, now, visible);
}

Test(inflight, as_many_as_there_are_slots)
{
	for (unsigned i = 0; i < 25; i++)
		cr_assert(add(i, S, 60 * S));
	cr_assert_null(add(25, S, 60 * S));
	cr_assert_eq(inflight_count(&h, INFLIGHT_READY), 25);
	inflight_drop(&h.v[7]);
	struct inflight_message *m = add(26, 2 * S, 60 * S);
	cr_assert_eq(m, &h.v[7]);
	cr_assert_str_eq(m->id, "id-26");
	cr_assert_str_eq(m->handle, "h-26");
	cr_assert_eq(m->until_ns, 62 * S);
}

Test(inflight, what_a_batch_was_about_may_be_gone)
{
	struct inflight_batch b;
	struct inflight_message *m = add(1, S, S), *other = add(2, S, S);
	m->state = other->state = INFLIGHT_DONE;
	inflight_done(&h, &b);
	cr_assert_eq(b.n, 2);
	inflight_drop(m);
	cr_assert_null(inflight_of(&b, 0));
	cr_assert_eq(inflight_of(&b, 1), other);
	cr_assert_eq(add(3, S, S), m, "the same slot");
	cr_assert_null(inflight_of(&b, 0), "another message");
}

Test(inflight, batches_have_ten)
{
	struct inflight_batch b;
	for (unsigned i = 0; i < 25; i++)
		add(i, S, 60 * S)->state = i % 2 ? INFLIGHT_DONE : INFLIGHT_OUT;
	inflight_done(&h, &b);
	cr_assert_eq(b.n, 10);
	inflight_all(&h, &b);
	cr_assert_eq(b.n, 10);
	for (size_t i = 0; i < b.n; i++)
		cr_assert_eq(b.m[i]->state, INFLIGHT_OUT);
}

Test(inflight, the_nearest_end_first)
{
	struct inflight_batch b;
	for (unsigned i = 0; i < 20; i++)
		add(i, 0, (100 - i) * S);
	inflight_short(&h, 50 * S, 30 * S, &b);
	cr_assert_eq(b.n, 0);
	inflight_short(&h, 60 * S, 31 * S, &b);
	cr_assert_eq(b.n, 10);
	cr_assert_str_eq(b.m[0]->id, "id-19");
	cr_assert_str_eq(b.m[9]->id, "id-10");
	inflight_short(&h, 60 * S, 23 * S, &b);
	cr_assert_eq(b.n, 2, "%zu", b.n);
}

Test(inflight, what_is_due)
{
	cr_assert_eq(inflight_next(&h), UINT64_MAX);
	add(1, 5 * S, S);
	add(2, 3 * S, S);
	add(3, S, S)->state = INFLIGHT_OUT;
	cr_assert_eq(inflight_next(&h), 3 * S);
}

Test(inflight, said_once)
{
	char id[16];
	cr_assert_not(inflight_said(&h, "a"));
	cr_assert(inflight_said(&h, "a"));
	for (unsigned i = 0; i < INFLIGHT_LEFT_KEPT; i++) {
		snprintf(id, sizeof id, "%u", i);
		cr_assert_not(inflight_said(&h, id));
	}
	cr_assert_not(inflight_said(&h, "a"), "beyond the bound it is said again");
}
