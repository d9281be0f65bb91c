#include "storage/observed.h"

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

static const char *of_key(struct observed *o, const char *key, char pair[OBSERVED_PAIR])
{
	cr_assert_eq(observed_load(o, dir), 0);
	return observed_of_key(o, key, pair) ? pair : "none";
}

#define S UINT64_C(1000000000)

Test(observed, a_file_has_the_address_of_its_time)
{
	struct observed o = {0};
	char pair[OBSERVED_PAIR];
	const uint64_t day = 1767312000; /* 2026-01-02 00:00 UTC */
	cr_assert_str_eq(
		of_key(&o, "pcap/2026/01/02/00/1767312000_192.0.2.9_10.0.0.5_4000_80.pcap", pair),
		"none");
	note((day + 100) * S, "10.0.0.5", "192.0.2.1");
	note((day + 200) * S + 5, "10.0.0.5", "192.0.2.2");
	note((day + 200) * S + 6, "fd00::5", "2001:db8::1");
	static const struct {
		const char *key, *pair;
	} keys[] = {
		{"pcap/2026/01/02/00/1767312099_192.0.2.9_10.0.0.5_4000_80.pcap", "none"},
		{"pcap/2026/01/02/00/1767312100_192.0.2.9_10.0.0.5_4000_80.pcap",
		 "10.0.0.5=192.0.2.1"},
		{"pcap/2026/01/02/00/1767312150_192.0.2.9_10.0.0.6_4000_80.pcap", "none"},
		{"pcap/2026/01/02/00/1767312200_192.0.2.9_10.0.0.5_4000_80.pcap",
		 "none"}, /* either */
		{"pcap/2026/01/02/00/1767312201_192.0.2.9_10.0.0.5_8_0_icmp_2.pcap",
		 "10.0.0.5=192.0.2.2"},
		{"pcap/2026/01/02/00/1767312201_2001-db8--9_fd00--5_4000_80.pcap",
		 "fd00::5=2001:db8::1"},
		{"1767312201_192.0.2.9_10.0.0.5_4000_80.pcap", "10.0.0.5=192.0.2.2"},
		{"pcap/2026/01/02/00/99999999999999999999_192.0.2.9_10.0.0.5_4000_80.pcap", "none"},
		{"pcap/2026/01/02/00/x_192.0.2.9_10.0.0.5_4000_80.pcap", "none"},
		{"", "none"},
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		cr_assert_str_eq(of_key(&o, keys[i].key, pair), keys[i].pair, "%s: %s", keys[i].key,
				 pair);
	observed_fini(&o);
}

Test(observed, a_bundle_has_the_address_of_its_minute)
{
	struct observed o = {0};
	char pair[OBSERVED_PAIR];
	const uint64_t day = 1767312000;
	note(day * S, "10.0.0.5", "192.0.2.1");
	note((day + 150) * S, "10.0.0.5", "192.0.2.2");
	cr_assert_str_eq(of_key(&o, "pcap/2026/01/01/23/bundle_59_7.pcap", pair), "none");
	cr_assert_str_eq(of_key(&o, "pcap/2026/01/02/00/bundle_01_7.pcap", pair),
			 "10.0.0.5=192.0.2.1");
	cr_assert_str_eq(of_key(&o, "pcap/2026/01/02/00/bundle_02_8.pcap", pair), "none",
			 "it changed within");
	cr_assert_str_eq(of_key(&o, "pcap/2026/01/02/00/bundle_03_9.pcap", pair),
			 "10.0.0.5=192.0.2.2");
	observed_fini(&o);
}

Test(observed, pairs)
{
	char out[OBSERVED_ADDR];
	cr_assert(observed_pair("10.0.0.5=192.0.2.1", "10.0.0.5", out));
	cr_assert_str_eq(out, "192.0.2.1");
	static const char *const others[] = {
		"10.0.0.50=192.0.2.1",
		"10.0.0.5",
		"10.0.0.5=",
		"10.0.0.5=<script>",
		"",
		"=192.0.2.1",
		"10.0.0.5=1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_assert_not(observed_pair(others[i], "10.0.0.5", out), "%s", others[i]);
}
