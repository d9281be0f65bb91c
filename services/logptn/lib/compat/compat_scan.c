#include "logptn/lib/compat/compat_scan.h"
#include "proto/utf8.h"

#include <string.h>

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* A template: d is a digit, everything else itself. Returns its length, 0 if it is not at s. */
static size_t fixed(const uint8_t *s, size_t n, const char *template)
{
	size_t i;

	for (i = 0; template[i]; i++)
		if (i >= n || (template[i] == 'd' ? !digit(s[i]) : s[i] != (uint8_t) template[i]))
			return 0;
	return i;
}

static size_t digits(const uint8_t *s, size_t n, size_t most)
{
	size_t i = 0;

	while (i < n && i < most && digit(s[i]))
		i++;
	return i;
}

/* A template, then any character, then digits. */
static size_t with_fraction(const uint8_t *s, size_t n, const char *template)
{
	size_t i = fixed(s, n, template), len, more;
	uint32_t cp;

	if (!i || i >= n)
		return 0;
	len = utf8_decode(s + i, n - i, &cp);
	i += len ? len : 1;
	more = i < n ? digits(s + i, n - i, n) : 0;
	return more ? i + more : 0;
}

static bool host_byte(uint8_t c)
{
	return digit(c) || (uint8_t)((c | 0x20) - 'a') < 26 || c == '-';
}

static bool local_byte(uint8_t c)
{
	return host_byte(c) || (c && strchr(".!#$%&'*+/=?^_{|}~", c));
}

static size_t mail(const uint8_t *s, size_t n)
{
	size_t i = 0, k;

	while (i < n && local_byte(s[i]))
		i++;
	if (!i || i >= n || s[i] != '@')
		return 0;
	for (k = ++i; i < n && host_byte(s[i]); i++)
		;
	if (i == k)
		return 0;
	while (i + 1 < n && s[i] == '.' && host_byte(s[i + 1]))
		for (i++; i < n && host_byte(s[i]); i++)
			;
	return i;
}

static size_t ipv4(const uint8_t *s, size_t n)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		size_t k = digits(s + i, n - i, 3);

		if (!k)
			return 0;
		i += k;
		if (part < 3) {
			if (i >= n || s[i] != '.')
				return 0;
			i++;
		}
	}
	return i;
}

static size_t at(unsigned which, const uint8_t *s, size_t n)
{
	switch (which) {
	case 0:
		return with_fraction(s, n, "dddd-dd-ddTdd:dd:dd");
	case 1:
		return fixed(s, n, "dddd-dd-ddTdd:dd:ddZ");
	case 2:
		return fixed(s, n, "dddd-dd-ddTdd:dd:dd");
	case 3:
		return fixed(s, n, "dddd/dd/dd");
	case 4:
		return fixed(s, n, "dddd-dd-dd");
	case 5:
		return with_fraction(s, n, "dd:dd:dd");
	case 6:
		return fixed(s, n, "dd:dd:dd");
	case 7:
		return mail(s, n);
	default:
		return ipv4(s, n);
	}
}

bool compat_scan(unsigned which, const uint8_t *s, size_t from, size_t n, size_t *start,
		 size_t *end)
{
	/* Without an @ no position can match; the scan over local parts would be quadratic. */
	if (which == 7 && (from >= n || !memchr(s + from, '@', n - from)))
		return false;
	for (size_t i = from; i < n; i++) {
		size_t len;

		if (which != 7 && !digit(s[i]))
			continue;
		len = at(which, s + i, n - i);
		if (len) {
			*start = i;
			*end = i + len;
			return true;
		}
		/* A local part that no @ follows cannot start further right within itself. */
		if (which == 7)
			while (i + 1 < n && local_byte(s[i]) && local_byte(s[i + 1]))
				i++;
	}
	return false;
}
