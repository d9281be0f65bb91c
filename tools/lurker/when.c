#include "when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull

/* Local midnight of the day of t, moved by days. */
static time_t midnight(time_t t, int days)
{
	struct tm tm;
	localtime_r(&t, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

static int span(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || end == text || !*end || end[1])
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (*end != units[i].unit)
			continue;
		uint64_t back = n > now_ns / SECOND / units[i].s ? now_ns : n * units[i].s * SECOND;
		*out_ns = now_ns - back;
		return 0;
	}
	return -EINVAL;
}

int when_parse(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	time_t now = (time_t)(now_ns / SECOND);
	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		*out_ns = (uint64_t)midnight(now, *text == 'y' ? -1 : 0) * SECOND;
		return 0;
	}
	if (span(text, now_ns, out_ns) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i], &tm);
		if (!end || (*end && strcmp(end, "Z") != 0))
			continue;
		time_t t = *end ? timegm(&tm) : mktime(&tm);
		if (t < 0)
			return -EINVAL;
		*out_ns = (uint64_t)t * SECOND;
		return 0;
	}
	return -EINVAL;
}
