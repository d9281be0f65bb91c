#include "storage/key_window.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes `total` keys, each given twice, in batches of the smallest `max` after the last, as a queue
 * does. */
static void takes_all(size_t max, size_t total, size_t (*nth)(size_t i, size_t total))
{
	struct key_window s;
	char last[OBJECT_KEY_MAX] = "", key[OBJECT_KEY_MAX];
	size_t got = 0;

	cr_assert_eq(key_window_init(&s, max, strcmp), 0);
	do {
		key_window_clear(&s);
		for (size_t i = 0; i < 2 * total; i++) {
			snprintf(key, sizeof key, "%06zu", nth(i % total, total));
			if (strcmp(key, last) > 0)
				key_window_add(&s, key);
		}
		key_window_sort(&s);
		cr_assert_leq(s.n, max);
		for (size_t i = 0; i < s.n; i++) {
			snprintf(key, sizeof key, "%06zu", got++);
			cr_assert_str_eq(s.key[i], key);
		}
		cr_assert(s.n || !s.more);
		if (s.n)
			strcpy(last, s.key[s.n - 1]);
	} while (s.more);
	cr_assert_eq(got, total);
	key_window_fini(&s);
}

static size_t up(size_t i, size_t total)
{
	(void)total;
	return i;
}

static size_t down(size_t i, size_t total)
{
	return total - 1 - i;
}

static size_t mixed(size_t i, size_t total)
{
	return i * 7919 % total; /* a prime that divides no total below */
}

Test(key_window, any_number_in_any_order_each_once)
{
	const size_t max[] = {1, 2, 3, 16, 100}, total[] = {0, 1, 2, 15, 16, 17, 100, 333};

	for (size_t m = 0; m < 5; m++)
		for (size_t n = 0; n < 8; n++) {
			takes_all(max[m], total[n], up);
			takes_all(max[m], total[n], down);
			takes_all(max[m], total[n], mixed);
		}
}
