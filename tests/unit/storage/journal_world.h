/*
 * journal_world: a small journal with a writer and a reader, for tests.
 */
#ifndef TESTS_JOURNAL_WORLD_H
#define TESTS_JOURNAL_WORLD_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/journal.h"
#include "storage/journal_segment.h"

static char dir[64];
static struct journal *j;
static struct journal_batch *b;
static struct journal_reader *r;
static const struct journal_limits small = {
	.segment_bytes = 1000, .total_bytes = 5000, .reader = "flowagg"};

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-journal-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(journal_open(dir, small, 0, &j), 0);
	cr_assert_eq(journal_batch_new(1, &b), 0);
	cr_assert_eq(journal_reader_new(dir, &r), 0);
}

static void teardown(void)
{
	char cmd[128];

	journal_close(&j);
	journal_batch_free(&b);
	journal_reader_free(&r);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(journal, .init = setup, .fini = teardown);

/* Appends n packets of 84 bytes (100 with the header) whose time is their number. */
static inline void append(uint32_t n)
{
	uint8_t data[84] = {0};
	uint64_t first, want = journal_next_number(j);
	uint32_t taken;

	journal_batch_reset(b);
	for (uint32_t i = 0; i < n; i++) {
		memset(data, (int)(want + i), sizeof data);
		cr_assert_eq(journal_batch_add(b, want + i, sizeof data, 100, data), 0);
	}
	cr_assert_eq(journal_append(j, b, 0, &first, &taken), 0);
	cr_assert_eq(first, want);
	cr_assert_eq(taken, n);
}

static inline void reopen(uint64_t min_next)
{
	journal_close(&j);
	cr_assert_eq(journal_open(dir, small, min_next, &j), 0);
}

/* Reads what there is; every packet must be the one wanted. Returns how many. */
static inline uint64_t read_on(uint64_t from)
{
	struct journal_packet p;
	uint64_t n = 0;
	int rc;

	while ((rc = journal_reader_next(r, &p)) > 0) {
		cr_assert_eq(p.number, from + n, "%lu, not %lu", p.number, from + n);
		cr_assert_eq(p.ts_ns, p.number);
		cr_assert_eq(p.caplen, 84);
		cr_assert_eq(p.len, 100);
		cr_assert_eq(p.data[83], (uint8_t)p.number);
		n++;
	}
	cr_assert_eq(rc, 0);
	return n;
}

static inline void path_of(uint64_t first, char out[128])
{
	char name[SEGMENT_NAME];
	segment_name(first, name);
	snprintf(out, 128, "%s/%s", dir, name);
}

#endif
