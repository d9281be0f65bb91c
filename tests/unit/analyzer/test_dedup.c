#include "record/dedup.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/records.h"

static struct dedup *k;
static char dir[64];

static void begin(void)
{
	strcpy(dir, "/tmp/lurker-test-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(dedup_new(1000, &k), 0);
}

static void end(void)
{
	char command[100];
	dedup_free(&k);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(known, .init = begin, .fini = end);

static const char *id_of(unsigned i)
{
	static char texts[2][40];
	char *text = texts[i >= 100000];
	snprintf(text, sizeof texts[0], "%08x%024x", i * 2654435761u, i);
	return text;
}

static bool add(unsigned i)
{
	return dedup_add(k, bytes_str(id_of(i)));
}

Test(known, the_last_ones)
{
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(add(i));
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_not(add(i));
	for (unsigned i = 1000; i < 1500; i++)
		cr_assert(add(i));
	cr_assert_eq(dedup_count(k), 1000);
	for (unsigned i = 500; i < 1500; i++)
		cr_assert_not(add(i));
	cr_assert(add(499), "beyond the bound it is new again");
	cr_assert_not(add(501));
	cr_assert(add(500), "499 took its place");
}

Test(known, back)
{
	for (unsigned i = 0; i < 10; i++)
		add(i);
	dedup_back(k, 3);
	cr_assert_eq(dedup_count(k), 7);
	cr_assert_not(add(6));
	cr_assert(add(7));
	cr_assert(add(9));
	dedup_back(k, 100);
	cr_assert_eq(dedup_count(k), 0);
	cr_assert(add(0));
}

Test(known, what_is_no_identity_is_never_known)
{
	for (int i = 0; i < 2; i++) {
		cr_assert(dedup_add(k, bytes_str("")));
		cr_assert(dedup_add(k, bytes_str("0123456789abcdef0123456789abcdeX")));
		cr_assert(dedup_add(k, bytes_str("0123456789ABCDEF0123456789ABCDEF")));
	}
	cr_assert_eq(dedup_count(k), 0);
}

static void write_day(const char *day, unsigned from, unsigned to, const char *torn)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s.jsonl", dir, day);
	FILE *f = fopen(path, "w");
	cr_assert(f);
	for (unsigned i = from; i < to; i++)
		fprintf(f, "{\"readable\":\"\\\"flow_id\\\":\\\"%s\",\"flow_id\":\"%s\"}\n",
			id_of(i + 100000), id_of(i));
	fputs(torn, f);
	fclose(f);
}

Test(known, loads_the_last_two_days)
{
	write_day("2026-01-01", 0, 10, "");
	write_day("2026-01-02", 10, 20, "{\"flow_id\":\"");
	write_day("2026-01-03", 20, 30, "{\"flow_id\":\"00000000000000000000000000000001\"");
	cr_assert_eq(dedup_load(k, dir), 0);
	cr_assert_eq(dedup_count(k), 20, "%zu", dedup_count(k));
	cr_assert(add(9));
	cr_assert_not(add(10));
	cr_assert_not(add(29));
	cr_assert(add(100020), "a payload is no identity");
	cr_assert(dedup_add(k, bytes_str("00000000000000000000000000000001")),
		  "a torn line is none");
}

Test(known, loads_nothing_where_nothing_is)
{
	cr_assert_eq(dedup_load(k, dir), 0);
	cr_assert_eq(dedup_count(k), 0);
	strcat(dir, "-absent");
	cr_assert_neq(dedup_load(k, dir), 0);
	dir[strlen(dir) - 7] = '\0';
}
