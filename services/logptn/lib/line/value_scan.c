#include "logptn/lib/line/value_scan.h"

#include <string.h>

#include "logptn/lib/line/shape.h"

static bool digits(uint8_t c)
{
	return c == SHAPE_DIGITS || c == SHAPE_WIDE;
}

/* Digits, or digits with letters at their end: the 05Z of 15:04:05Z. */
static bool digits_or_mixed(uint8_t c)
{
	return digits(c) || c == SHAPE_MIXED;
}

static bool one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* The value must not go on: a word character, or a dot that is not the end of a sentence. */
static bool ends(const uint8_t *s, size_t n, size_t i, const char *more)
{
	if (i >= n)
		return true;
	if (shape_alnum(s[i]))
		return false;
	if (!one_of(s[i], more))
		return true;
	return i + 1 >= n || s[i + 1] == ' ' || s[i + 1] == '\t';
}

static size_t skip_spaces(const uint8_t *s, size_t n, size_t i)
{
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

static bool name3(const uint8_t *s, size_t n, const char *names)
{
	if (n < 3)
		return false;
	for (; *names; names += 3)
		if (!memcmp(s, names, 3))
			return true;
	return false;
}

/* D:D:D with a fraction. */
static size_t clock_len(const uint8_t *s, size_t n)
{
	size_t i = 0, parts = 0;

	while (i < n && digits_or_mixed(s[i])) {
		parts++;
		i++;
		if (i + 1 < n && s[i] == ':' && digits_or_mixed(s[i + 1]) && parts < 4)
			i++;
		else
			break;
	}
	if (parts < 2)
		return 0;
	if (i + 1 < n && one_of(s[i], ".,") && digits_or_mixed(s[i + 1]))
		i += 2;
	return i;
}

size_t value_scan_month(const uint8_t *s, size_t n)
{
	size_t i = 0, at, len;

	if (name3(s, n, "MonTueWedThuFriSatSun") && n > 4) {
		i = 3 + (s[3] == ',');
		if (s[i] != ' ')
			return 0;
		i = skip_spaces(s, n, i);
	}
	if (!name3(s + i, n - i, "JanFebMarAprMayJunJulAugSepOctNovDec"))
		return 0;
	at = skip_spaces(s, n, i + 3);
	if (at == i + 3 || at >= n || !digits(s[at]))
		return 0;
	i = at + 1;
	at = skip_spaces(s, n, i + (i < n && s[i] == ','));
	if (at + 1 < n && at > i && digits(s[at]) &&
	    s[at + 1] != ':') { /* a year before the time */
		i = at + 1;
		at = skip_spaces(s, n, i);
	}
	if (at == i)
		return 0;
	len = clock_len(s + at, n - at);
	if (!len)
		return 0;
	i = at + len;
	at = skip_spaces(s, n, i);
	if (at == i + 1 && at < n && digits(s[at]) && ends(s, n, at + 1, ".:-/"))
		i = at + 1; /* a year behind it */
	return ends(s, n, i, "") ? i : 0;
}

size_t value_scan_date(const uint8_t *s, size_t n)
{
	size_t i, at, len;
	char sep;

	if (n < 5 || !digits(s[0]) || !one_of(s[1], "-/"))
		return 0;
	sep = (char)s[1];
	if (!digits(s[2]) || s[3] != (uint8_t)sep || !digits_or_mixed(s[4]))
		return 0;
	i = 5;
	if (s[4] == SHAPE_MIXED) { /* 02T15:04:05 */
		if (i >= n || s[i] != ':')
			return 0;
		len = clock_len(s + 4, n - 4);
		if (!len)
			return 0;
		i = 4 + len;
	} else if (i + 1 < n && one_of(s[i], " T_-:")) {
		at = i + 1;
		len = clock_len(s + at, n - at);
		if (len && ends(s, n, at + len, ""))
			i = at + len;
	}
	if (i > 5 && i + 1 < n && one_of(s[i], "+-") && digits(s[i + 1])) { /* zone */
		i += 2;
		if (i + 1 < n && s[i] == ':' && digits(s[i + 1]))
			i += 2;
	}
	return ends(s, n, i, "./") ? i : 0;
}

size_t value_scan_time(const uint8_t *s, size_t n)
{
	size_t i;

	if (n < 3 || !digits(s[0]) || s[1] != ':' || !digits_or_mixed(s[2]))
		return 0;
	i = clock_len(s, n);
	return i && ends(s, n, i, ".:") ? i : 0;
}

size_t value_scan_ip(const uint8_t *s, size_t n)
{
	size_t i = n && s[0] == '/';

	for (int part = 0; part < 4; part++) {
		if (i >= n || !digits(s[i]))
			return 0;
		i++;
		if (part < 3) {
			if (i >= n || s[i] != '.')
				return 0;
			i++;
		}
	}
	if (i + 1 < n && one_of(s[i], ":/#") && digits(s[i + 1]))
		i += 2;
	return ends(s, n, i, ".") ? i : 0;
}

size_t value_scan_colons(const uint8_t *s, size_t n)
{
	size_t i = 0, colons = 0;
	bool mark = false;

	for (; i < n; i++) {
		uint8_t c = s[i];

		if (c == ':')
			colons++;
		else if (digits_or_mixed(c))
			mark = true;
		else if (!((uint8_t)((c | 0x20) - 'a') < 6) && !((uint8_t)(c - '0') < 10))
			break;
		else if ((uint8_t)(c - '0') < 10)
			mark = true;
	}
	while (i && s[i - 1] == ':' && !(i > 1 && s[i - 2] == ':')) { /* a colon of the text */
		i--;
		colons--;
	}
	return colons >= 3 && mark && ends(s, n, i, ".") ? i : 0;
}

static size_t trim_stops(const uint8_t *s, size_t i)
{
	while (i > 1 && one_of(s[i - 1], ".,;:!?"))
		i--;
	return i;
}

static bool url_byte(uint8_t c)
{
	return c > ' ' && !one_of(c, "\"'<>,;)]}|") ? true : shape_mark(c);
}

size_t value_scan_url(const uint8_t *s, size_t n)
{
	size_t i = 0, start;

	while (i < n && ((uint8_t)((s[i] | 0x20) - 'a') < 26 || (i && one_of(s[i], "+.-"))))
		i++;
	if (i < 2 || n - i < 4 || memcmp(s + i, "://", 3))
		return 0;
	start = i += 3;
	while (i < n && url_byte(s[i]))
		i++;
	return i > start ? trim_stops(s, i) : 0;
}

static bool path_byte(uint8_t c)
{
	return c > ' ' && !one_of(c, ",;:=\"'()[]{}<>|?") ? true : shape_mark(c);
}

static bool name_byte(uint8_t c)
{
	return shape_alnum(c) || c == '.' || c == '-' || c == '~' || c == '$';
}

size_t value_scan_path(const uint8_t *s, size_t n)
{
	size_t i = 0, slashes = 0, dots = 0;
	bool mark = false;

	if (n > 3 && (uint8_t)((s[0] | 0x20) - 'a') < 26 && s[1] == ':' &&
	    (s[2] == '\\' || s[2] == '/'))
		i = 2;
	if (n - i >= 2 && (s[i] == '/' || s[i] == '\\')) {
		while (i < n && path_byte(s[i]))
			i++;
	} else {
		while (i < n && name_byte(s[i]))
			dots += s[i++] == '.';
		if (!i || i >= n || s[i] != '/')
			return 0;
		while (i < n && path_byte(s[i]))
			slashes += s[i++] == '/';
		if (slashes < 2 && !(dots && s[i - 1] != '/'))
			return 0;
	}
	if (i + 1 < n && s[i] == '?' && url_byte(s[i + 1]))
		while (i < n && url_byte(s[i]))
			i++;
	i = trim_stops(s, i);
	if (i < 2)
		return 0;
	for (size_t j = 0; j < i; j++)
		mark |= shape_mark(s[j]);
	if (mark && i + 1 < n && s[i] == ':' && digits(s[i + 1]))
		i += 2;
	return i;
}

size_t value_scan_email(const uint8_t *s, size_t n)
{
	size_t i = 0, at, dot = 0;

	while (i < n && (name_byte(s[i]) || s[i] == '+'))
		i++;
	if (!i || i >= n || s[i] != '@')
		return 0;
	at = ++i;
	while (i < n && name_byte(s[i])) {
		if (s[i] == '.' && i > at && i + 1 < n && shape_alnum(s[i + 1]))
			dot = i;
		i++;
	}
	while (i > at && one_of(s[i - 1], ".-"))
		i--;
	return dot && dot < i ? i : 0;
}
