#include "time_arg.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define DAY_S 86400u

static int time_arg_span(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	if (*text < '0' || *text > '9') /* strtoull takes signs and blanks */
		return -EINVAL;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || !*end || end[1])
		return -EINVAL;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (*end != units[i].unit)
			continue;
		uint64_t back =
			n > now_ns / NS_PER_S / units[i].s ? now_ns : n * units[i].s * NS_PER_S;
		*out_ns = now_ns - back;
		return 0;
	}
	return -EINVAL;
}

static bool two_digits(const char **p, int max, int *out)
{
	const char *s = *p;
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*out = (s[0] - '0') * 10 + s[1] - '0';
	*p += 2;
	return *out <= max;
}

/* Z, +01:00, +0100, +01 or nothing, as the seconds by which the text is ahead of UTC. */
static int time_arg_offset(const char *p, int *out_s)
{
	int sign = *p == '-' ? -1 : 1, h = 0, m = 0;
	if (*p == '+' || *p == '-') {
		p++;
		if (!two_digits(&p, 23, &h))
			return -EINVAL;
		p += *p == ':';
		if (*p && !two_digits(&p, 59, &m))
			return -EINVAL;
		if (p[-1] == ':')
			return -EINVAL;
	} else if (*p == 'Z') {
		p++;
	}
	*out_s = sign * (h * 3600 + m * 60);
	return *p ? -EINVAL : 0;
}

int time_arg_parse(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	uint64_t midnight = now_ns / NS_PER_S / DAY_S * DAY_S;
	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		*out_ns = (midnight - (*text == 'y' ? DAY_S : 0)) * NS_PER_S;
		return 0;
	}
	if (time_arg_span(text, now_ns, out_ns) == 0)
		return 0;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = {0};
		int ahead, day;
		const char *end = strptime(text, forms[i], &tm);
		if (!end || time_arg_offset(end, &ahead) != 0)
			continue;
		day = tm.tm_mday;
		time_t t = timegm(&tm) - ahead;
		if (t < 0 || tm.tm_mday != day) /* there is no 30th of February */
			return -EINVAL;
		*out_ns = (uint64_t)t < UINT64_MAX / NS_PER_S ? (uint64_t)t * NS_PER_S : UINT64_MAX;
		return 0;
	}
	return -EINVAL;
}

int time_arg_option(const char *option, const char *text, uint64_t now_ns, uint64_t *out_ns,
		    char *err, size_t errlen)
{
	if (!text || time_arg_parse(text, now_ns, out_ns) == 0)
		return 0;
	snprintf(
		err, errlen,
		"%s: \"%.60s\" is not valid: expected today, yesterday, a span such as 2h or 7d, or a date such as 2026-11-21T08:30 or 2026-11-21T08:30+01:00 (UTC without an offset)",
		option, text);
	return -EINVAL;
}
