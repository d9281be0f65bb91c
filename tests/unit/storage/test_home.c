#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/home.h"

static char path[] = "/tmp/lurker-home-XXXXXX";

static void fresh(void)
{
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void gone(void)
{
	unlink(path);
}

TestSuite(home, .init = fresh, .fini = gone);

static bool has(const struct home *h, const char *text)
{
	struct addr a;
	cr_assert_eq(addr_parse(text, &a), 0);
	return home_has(h, &a);
}

Test(home, comes_back_as_it_was)
{
	struct home h = {0}, back;
	cr_assert_eq(home_add(&h, "192.0.2.0/24"), 0);
	cr_assert_eq(home_add(&h, "2001:db8::1"), 0);
	cr_assert_eq(home_add(&h, "nonsense"), -EINVAL);
	cr_assert_eq(home_save(&h, path), 0);
	cr_assert_eq(home_load(&back, path), 0);
	cr_assert_eq(back.n, 2);
	cr_expect(has(&back, "192.0.2.77"));
	cr_expect(has(&back, "2001:db8::1"));
	cr_expect_not(has(&back, "2001:db8::2"));
	cr_expect_not(has(&back, "192.0.3.1"));
}

Test(home, is_bounded)
{
	struct home h = {0};
	for (int i = 0; i < HOME_MAX; i++)
		cr_assert_eq(home_add(&h, "192.0.2.1"), 0);
	cr_assert_eq(home_add(&h, "192.0.2.1"), -ENOSPC);
}

Test(home, files_that_are_none)
{
	struct home h;
	FILE *f = fopen(path, "w");
	fputs("192.0.2.1\nwhat\n", f);
	fclose(f);
	cr_expect_eq(home_load(&h, path), -EBADMSG);
	unlink(path);
	cr_expect_eq(home_load(&h, path), -ENOENT);
	cr_expect_eq(home_save(&h, "/nonexistent/home"), -ENOENT);
}
