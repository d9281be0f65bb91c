#include "logptn/cmd/stamp.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
	const uint8_t *p;
	size_t n, i;
};

static bool digit(const struct cursor *c, size_t i)
{
	return i < c->n && c->p[i] >= '0' && c->p[i] <= '9';
}

/* A number of least to most digits. */
static bool number(struct cursor *c, unsigned least, unsigned most, int64_t *out)
{
	unsigned k = 0;
	int64_t v = 0;

	for (; k < most && digit(c, c->i + k); k++)
		v = v * 10 + (c->p[c->i + k] - '0');
	if (k < least || digit(c, c->i + k))
		return false;
	c->i += k;
	*out = v;
	return true;
}

static bool one_of(struct cursor *c, const char *set)
{
	if (c->i >= c->n || !c->p[c->i] || !strchr(set, c->p[c->i]))
		return false;
	c->i++;
	return true;
}

static bool month_name(struct cursor *c, int64_t *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12; m++)
		if (c->n - c->i >= 3 && !memcmp(c->p + c->i, names + 3 * m, 3)) {
			c->i += 3;
			*out = m + 1;
			return true;
		}
	return false;
}

/* Days since the epoch of a date of the Gregorian calendar. */
static int64_t days(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool clock_time(struct cursor *c, int64_t *out)
{
	int64_t h, m, s = 0;

	if (!number(c, 1, 2, &h) || !one_of(c, ":") || !number(c, 1, 2, &m))
		return false;
	if (one_of(c, ":") && !number(c, 1, 2, &s))
		return false;
	if (h > 24 || m > 59 || s > 60)
		return false;
	*out = h * 3600 + m * 60 + s;
	return true;
}

static bool date(struct cursor *c, int year, int64_t *y, int64_t *m, int64_t *d)
{
	struct cursor k = *c;

	*y = year;
	if (number(&k, 4, 4, y) && one_of(&k, "-/.") && number(&k, 1, 2, m) && one_of(&k, "-/.") &&
	    number(&k, 1, 2, d))
		goto found;
	k = *c;
	if (number(&k, 8, 8, y)) { /* 20060102 */
		*d = *y % 100;
		*m = *y / 100 % 100;
		*y /= 10000;
		goto found;
	}
	k = *c;
	if (number(&k, 1, 2, d) && one_of(&k, "/-") && month_name(&k, m) && one_of(&k, "/-") &&
	    number(&k, 4, 4, y))
		goto found;
	k = *c;
	if (number(&k, 2, 2, y) && one_of(&k, "/-") && number(&k, 2, 2, m) && one_of(&k, "/-") &&
	    number(&k, 2, 2, d)) {
		*y += 2000;
		goto found;
	}
	k = *c;
	*y = year;
	if (month_name(&k, m) && one_of(&k, " ") && (one_of(&k, " "), number(&k, 1, 2, d)))
		goto found;
	k = *c;
	if (number(&k, 2, 2, m) && one_of(&k, "-.") && number(&k, 2, 2, d))
		goto found;
	return false;
found:
	if (*m < 1 || *m > 12 || *d < 1 || *d > 31)
		return false;
	*c = k;
	return true;
}

int64_t stamp_parse(const uint8_t *line, size_t n, int year)
{
	struct cursor c = {line, n < STAMP_REACH ? n : STAMP_REACH, 0};

	for (size_t i = 0; i < c.n; i++) {
		int64_t y, m, d, s, t;
		struct cursor k = c;

		if (i && ((line[i - 1] >= '0' && line[i - 1] <= '9') ||
			  (uint8_t)((line[i - 1] | 0x20) - 'a') < 26))
			continue;
		k.i = i;
		if (number(&k, 10, 10, &t) && t > 500000000)
			return t;
		k.i = i;
		if (!date(&k, year, &y, &m, &d) || !one_of(&k, " T:_-,") ||
		    (one_of(&k, " "), !clock_time(&k, &s)))
			continue;
		/* Sun Dec 04 20:32:37 2005 */
		if (y == year && one_of(&k, " "))
			number(&k, 4, 4, &y);
		return days(y, m, d) * 86400 + s;
	}
	return -1;
}
