/*
 * records_world: a folder of records with a writer and a reader, for tests.
 */
#ifndef TESTS_RECORDS_WORLD_H
#define TESTS_RECORDS_WORLD_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/records.h"

#define DAY 86400000000000u
#define D0  (20000 * DAY) /* 2024-10-04 */

static char top[64], dir[96];
static struct records *w;
static struct records_reader *r;
static struct records_pos pos;

static void setup(void)
{
	strcpy(top, "/tmp/lurker-records-XXXXXX");
	cr_assert_not_null(mkdtemp(top));
	snprintf(dir, sizeof dir, "%s/records/alert", top);
	signal(SIGXFSZ, SIG_IGN);
}

static void fini(void)
{
	char command[128];
	records_close(&w);
	records_reader_close(&r);
	snprintf(command, sizeof command, "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(records, .init = setup, .fini = fini, .timeout = 60);

static inline void open_writer(int64_t keep, int64_t plain)
{
	cr_assert_eq(records_open(dir, keep, plain, &w), 0);
}

static inline void open_reader(struct records_pos from)
{
	records_reader_close(&r);
	cr_assert_eq(records_reader_open(dir, from, &r), 0);
}

static inline int append(uint64_t now, const char *text)
{
	return records_append(w, now, bytes_str(text));
}

/* The next line as a string; "" when there is none for now. */
static inline const char *next(void)
{
	static char text[256];
	struct bytes line;
	int rc = records_next(r, &line, &pos);
	cr_assert_geq(rc, 0);
	snprintf(text, sizeof text, "%.*s", rc ? (int)line.n : 0, rc ? (const char *)line.p : "");
	return text;
}

static inline const char *path(const char *name)
{
	static char text[200];
	snprintf(text, sizeof text, "%s/%s", dir, name);
	return text;
}

static inline void put(const char *name, const void *data, size_t n)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_APPEND, 0640);
	cr_assert_eq(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static inline bool exists(const char *name)
{
	return access(path(name), F_OK) == 0;
}

#define HOUR 3600000000000u

/* With a clock that has gone evenly for an hour. */
static inline void tidy_all(uint64_t now)
{
	int rc, steps = 0;
	records_tidy(w, now - HOUR, 0);
	while ((rc = records_tidy(w, now, HOUR)) == 1)
		cr_assert_lt(steps++, 1000);
	cr_assert_eq(rc, 0);
}

static inline void reads(const char *const *lines)
{
	for (; *lines; lines++)
		cr_assert_str_eq(next(), *lines);
	cr_assert_str_eq(next(), "");
	cr_assert_eq(records_reader_skipped(r), 0);
}

#endif
