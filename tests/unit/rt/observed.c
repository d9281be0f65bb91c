#include "rt/observed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-observed-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void)
{
	char path[128];
	snprintf(path, sizeof path, "%s/observed", dir);
	unlink(path);
	cr_assert_eq(rmdir(dir), 0, "nothing else is left");
}

static bool note(uint64_t since_ns, const char *private_addr, const char *public_addr)
{
	struct observed_change c = {.since_ns = since_ns};
	bool news;
	snprintf(c.private_addr, sizeof c.private_addr, "%s", private_addr);
	snprintf(c.public_addr, sizeof c.public_addr, "%s", public_addr);
	cr_assert_eq(observed_note(dir, &c, &news), 0);
	return news;
}

static const char *at(struct observed *o, const char *private_addr, uint64_t ts_ns)
{
	cr_assert_eq(observed_load(o, dir), 0);
	const struct observed_change *c = observed_at(o, private_addr, ts_ns);
	return c ? c->public_addr : "none";
}

static void write_text(const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/observed", dir);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

TestSuite(observed, .init = setup, .fini = teardown);

Test(observed, nothing_is_known_at_first)
{
	struct observed o = {0};
	cr_assert_str_eq(at(&o, "10.0.0.5", 1000), "none");
	observed_fini(&o);
}

Test(observed, each_time_has_its_address)
{
	struct observed o = {0};
	cr_assert(note(100, "10.0.0.5", "192.0.2.1"));
	cr_assert_not(note(150, "10.0.0.5", "192.0.2.1"), "no change");
	cr_assert(note(200, "10.0.0.5", "192.0.2.2"));
	cr_assert(note(300, "10.0.0.6", "192.0.2.3"));
	cr_assert_str_eq(at(&o, "10.0.0.5", 99), "none");
	cr_assert_str_eq(at(&o, "10.0.0.5", 100), "192.0.2.1");
	cr_assert_str_eq(at(&o, "10.0.0.5", 199), "192.0.2.1");
	cr_assert_str_eq(at(&o, "10.0.0.5", 200), "192.0.2.2");
	cr_assert_str_eq(at(&o, "10.0.0.5", UINT64_MAX), "192.0.2.2");
	cr_assert_str_eq(at(&o, "10.0.0.6", 250), "none");
	cr_assert_str_eq(at(&o, "10.0.0.6", 301), "192.0.2.3");
	cr_assert_str_eq(at(&o, "10.0.0.7", 301), "none");
	/* A reader that has it open sees what comes. */
	cr_assert(note(400, "10.0.0.5", "192.0.2.1"));
	cr_assert_str_eq(at(&o, "10.0.0.5", 400), "192.0.2.1");
	observed_fini(&o);
}

Test(observed, what_is_no_change_is_skipped)
{
	struct observed o = {0};
	write_text("\n5 10.0.0.5\nx 10.0.0.5 192.0.2.9\n7 10.0.0.5 192.0.2.1 more\n8 10.0.0.5 "
		   "example.org\n9 10.0.0.5 192.0.2.4\n10 10.0.");
	cr_assert_str_eq(at(&o, "10.0.0.5", 100), "192.0.2.4");
	cr_assert_eq(o.n, 1);
	observed_fini(&o);
}

Test(observed, the_history_is_bounded)
{
	struct observed o = {0};
	char text[16];
	for (unsigned i = 0; i < OBSERVED_MAX + 20; i++) {
		snprintf(text, sizeof text, "192.0.2.%u", i % 250);
		note(i + 1, "10.0.0.5", text);
	}
	cr_assert_str_eq(at(&o, "10.0.0.5", 20), "none", "the oldest went");
	cr_assert_str_eq(at(&o, "10.0.0.5", 21), "192.0.2.20");
	cr_assert_eq(o.n, OBSERVED_MAX);
	observed_fini(&o);
}
