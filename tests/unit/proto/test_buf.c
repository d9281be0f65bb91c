#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "proto/buf.h"

Test(buf, grows_and_keeps_what_was_added)
{
	struct buf b;
	buf_init(&b, 10000);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(buf_addc(&b, (char)('a' + i % 26)), 0);
	cr_assert_eq(buf_adds(&b, "tail"), 0);
	cr_assert_eq(b.n, 1004);
	cr_assert_eq(b.p[27], 'b');
	cr_assert(bytes_eq(bytes_of(b.p + 1000, 4), bytes_str("tail")));
	buf_reset(&b);
	cr_assert_eq(buf_bytes(&b).n, 0);
	buf_fini(&b);
}

Test(buf, limit_is_exact_and_failure_sticks)
{
	struct buf b;
	buf_init(&b, 5);
	cr_assert_eq(buf_adds(&b, "12345"), 0);
	cr_assert_eq(buf_add(&b, NULL, 0), 0);
	cr_assert_eq(buf_addc(&b, '6'), -EFBIG);
	cr_assert(b.failed);
	cr_assert_eq(b.rc, -EFBIG);
	b.n = 0; /* even with room again */
	cr_assert_eq(buf_addc(&b, '7'), -EFBIG);
	cr_assert_null(buf_room(&b, 1));
	buf_reset(&b);
	cr_assert_eq(buf_addf(&b, "%d", 12345), 0, "text may fill the buffer to the last byte");
	cr_assert(bytes_eq(buf_bytes(&b), bytes_str("12345")));
	buf_fini(&b);
}

Test(buf, formats_short_and_long_text)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_addf(&b, "%s-%d", "x", 7);
	cr_assert(bytes_eq(buf_bytes(&b), bytes_str("x-7")));
	buf_addf(&b, "%600d", 1);
	cr_assert_eq(b.n, 603);
	cr_assert_eq(b.p[602], '1');
	buf_fini(&b);
}

Test(buf, room_is_counted_by_the_caller)
{
	struct buf b;
	buf_init(&b, 100);
	uint8_t *p = buf_room(&b, 100);
	cr_assert_not_null(p);
	memset(p, 'z', 100);
	cr_assert_eq(b.n, 0);
	b.n += 100;
	cr_assert_null(buf_room(&b, 1));
	buf_fini(&b);
}

Test(buf, room_for_nothing_is_not_a_failure)
{
	struct buf b;
	buf_init(&b, 100);
	cr_assert_not_null(buf_room(&b, 0));
	cr_assert_not(b.failed);
	buf_fini(&b);
}

Test(buf, goes_back_behind_a_failure)
{
	struct buf b;
	buf_init(&b, 5);
	buf_adds(&b, "abc");
	buf_adds(&b, "de");
	buf_adds(&b, "f");
	cr_assert(b.failed);
	buf_back(&b, 3);
	cr_assert_eq(buf_adds(&b, "xy"), 0);
	cr_assert(bytes_eq(buf_bytes(&b), bytes_str("abcxy")));
	buf_fini(&b);
}

Test(buf, spared_memory_goes_when_it_is_much)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "little");
	const uint8_t *p = b.p;
	buf_spare(&b, 1000);
	cr_assert_eq(b.n, 0);
	cr_assert_eq(b.p, p);
	cr_assert_not_null(buf_room(&b, 2000));
	cr_assert_null(buf_room(&b, 2 << 20));
	buf_spare(&b, 1000);
	cr_assert_eq(b.cap, 0);
	cr_assert_null(b.p);
	cr_assert_not(b.failed);
	cr_assert_eq(buf_add(&b, "again", 5), 0, "the limit is the same");
	cr_assert_eq(buf_add(&b, "", 1 << 20), -EFBIG);
	buf_fini(&b);
}

Test(buf, bytes)
{
	cr_assert_null(bytes_str(NULL).p);
	cr_assert_not_null(bytes_str("").p);
	cr_assert(bytes_eq(bytes_str(NULL), bytes_str("")));
	cr_assert_not(bytes_eq(bytes_str("a"), bytes_str("b")));
	cr_assert_not(bytes_eq(bytes_str("a"), bytes_str("ab")));
}
