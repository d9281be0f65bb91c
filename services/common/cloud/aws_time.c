#include "cloud/aws_time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Years before the epoch and beyond four digits are nobody's clock. */
static int seconds(struct tm *t, uint64_t *out)
{
	if (t->tm_year < 70 || t->tm_mon < 0 || t->tm_mon > 11 || t->tm_mday < 1 ||
	    t->tm_mday > 31 || t->tm_hour < 0 || t->tm_hour > 23 || t->tm_min < 0 ||
	    t->tm_min > 59 || t->tm_sec < 0 || t->tm_sec > 60)
		return -EINVAL;
	*out = (uint64_t)timegm(t);
	return 0;
}

int aws_time_http(const char *text, uint64_t *out_s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = {0};
	char month[4], zone[4];
	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]", &t.tm_mday, month,
		   &t.tm_year, &t.tm_hour, &t.tm_min, &t.tm_sec, zone) != 7 ||
	    strcmp(zone, "GMT") != 0 || strlen(month) != 3)
		return -EINVAL;
	t.tm_year -= 1900;
	const char *at = strstr(months, month);
	if (!at || (at - months) % 3)
		return -EINVAL;
	t.tm_mon = (int)(at - months) / 3;
	return seconds(&t, out_s);
}

int aws_time_iso(const char *text, uint64_t *out_s)
{
	struct tm t = {0};
	int end = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
		   &t.tm_min, &t.tm_sec, &end) != 6)
		return -EINVAL;
	text += end;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0)
		return -EINVAL;
	t.tm_year -= 1900;
	t.tm_mon--;
	return seconds(&t, out_s);
}

void when_amz(uint64_t s, char out[WHEN_AMZ])
{
	time_t at = (time_t)s;
	struct tm t;
	if (!gmtime_r(&at, &t) || strftime(out, WHEN_AMZ, "%Y%m%dT%H%M%SZ", &t) != WHEN_AMZ - 1)
		out[0] = '\0';
}
