#include "storage/records_day.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    1000000000u
#define S_PER_DAY   86400
#define PLAIN_CHARS 16 /* of "YYYY-MM-DD.jsonl" */

static uint32_t day_of_s(time_t s)
{
	struct tm tm;
	gmtime_r(&s, &tm);
	return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

uint32_t day_of_ns(uint64_t ns)
{
	return day_of_s((time_t)(ns / NS_PER_S));
}

int64_t day_number(uint32_t day)
{
	struct tm tm = {.tm_year = (int)(day / 10000) - 1900,
			.tm_mon = (int)(day / 100 % 100) - 1,
			.tm_mday = (int)(day % 100)};
	return timegm(&tm) / S_PER_DAY;
}

uint32_t day_next(uint32_t day)
{
	return day_of_s((time_t)(day_number(day) + 1) * S_PER_DAY);
}

void day_name(uint32_t day, bool gz, char out[DAY_NAME])
{
	snprintf(out, DAY_NAME, "%04u-%02u-%02u.jsonl%s", day / 10000, day / 100 % 100, day % 100,
		 gz ? ".gz" : "");
}

bool day_parse(const char *name, uint32_t *day, bool *gz)
{
	unsigned y, m, d;
	char again[DAY_NAME];
	if (strlen(name) < PLAIN_CHARS || sscanf(name, "%4u-%2u-%2u", &y, &m, &d) != 3)
		return false;
	*day = y * 10000 + m * 100 + d;
	*gz = name[PLAIN_CHARS] != '\0';
	day_name(*day, *gz, again);
	/* A date that does not exist would come back as another one. */
	return strcmp(name, again) == 0 && m >= 1 &&
	       day_of_s((time_t)day_number(*day) * S_PER_DAY) == *day;
}

void day_note_name(uint32_t day, char out[DAY_NAME])
{
	snprintf(out, DAY_NAME, "%04u-%02u-%02u.now", day / 10000, day / 100 % 100, day % 100);
}

uint32_t day_noted(int dirfd, uint32_t day)
{
	char name[DAY_NAME], text[DAY_NAME] = "";
	uint32_t noted;
	bool gz;
	day_note_name(day, name);
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 && day_parse(text, &noted, &gz) && noted != day ? noted : 0;
}

int day_each(int dirfd, void (*fn)(void *arg, uint32_t day, bool gz), void *arg)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		int rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (struct dirent *e; (e = readdir(d));) {
		uint32_t day;
		bool gz;
		if (day_parse(e->d_name, &day, &gz))
			fn(arg, day, gz);
	}
	closedir(d);
	return 0;
}

struct search {
	uint32_t after, first, last;
};

static void note_day(void *arg, uint32_t day, bool gz)
{
	struct search *s = arg;
	(void)gz;
	if (day > s->after && (s->first == 0 || day < s->first))
		s->first = day;
	if (day > s->last)
		s->last = day;
}

int day_after(int dirfd, uint32_t day, uint32_t *first, uint32_t *last)
{
	struct search s = {.after = day};
	int rc = day_each(dirfd, note_day, &s);
	*first = s.first;
	*last = s.last;
	return rc;
}
