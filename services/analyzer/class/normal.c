/*
 * normal: text with its variable pieces replaced by markers.
 *
 * At each place, in this order:
 *   ://authority, @host, Host: value    → HOST (with its port)
 *   dotted IPv4, IPv6, MAC              → HOST (with an IPv4 address's port)
 *   a name that ends in a usual TLD     → HOST (with its port)
 *   %XX and \xXX                        kept: they spell a byte
 *   a UUID, long hex, base64, mixed ids → TOKEN
 *   other digits                        → NUMBER
 *   everything else                     kept
 */
#include "class/class.h"

#include <arpa/inet.h>
#include <string.h>

/* What is looked at again at the next word is looked at only so far, so that time stays linear in
 * the input. */
#define MAX_HOST   253
#define MAX_JUDGED 256 /* bytes by which a long run is judged random or not */

struct reader {
	struct bytes in;
	size_t at;
	uint8_t *out;
	size_t n;
};

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}
static bool alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static bool hex(uint8_t c)
{
	return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
static bool word(uint8_t c)
{
	return digit(c) || alpha(c);
}
static bool host_char(uint8_t c)
{
	return word(c) || c == '.' || c == '-' || c == '_';
}

static uint8_t peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->in.n ? r->in.p[r->at + ahead] : 0;
}

static void keep(struct reader *r, size_t n)
{
	memcpy(r->out + r->n, r->in.p + r->at, n);
	r->n += n;
	r->at += n;
}

static void mark(struct reader *r, uint8_t marker, size_t n)
{
	r->out[r->n++] = marker;
	r->at += n;
}

/* How many bytes, at most max, from a place on are of one sort. */
static size_t run_upto(const struct reader *r, size_t from, bool (*in)(uint8_t), size_t max)
{
	size_t n = 0;
	while (n < max && r->at + from + n < r->in.n && in(r->in.p[r->at + from + n]))
		n++;
	return n;
}

static size_t run(const struct reader *r, size_t from, bool (*in)(uint8_t))
{
	return run_upto(r, from, in, SIZE_MAX);
}

/* ":1234" behind a host. */
static size_t port_len(const struct reader *r, size_t from)
{
	if (peek(r, from) != ':')
		return 0;
	size_t n = run(r, from + 1, digit);
	return n >= 1 && n <= 5 ? n + 1 : 0;
}

/* The authority of a URL: up to what cannot be in one. */
static bool authority_char(uint8_t c)
{
	return host_char(c) || c == ':' || c == '[' || c == ']' || c == '%' || c == '@' ||
	       c == '$' || c == '{' || c == '}';
}

static bool url_host(struct reader *r)
{
	if (peek(r, 0) != ':' || peek(r, 1) != '/' || peek(r, 2) != '/')
		return false;
	size_t n = run(r, 3, authority_char);
	keep(r, 3);
	if (n)
		mark(r, CLASS_HOST, n);
	return true;
}

static bool at_host(struct reader *r)
{
	if (peek(r, 0) != '@' || !word(peek(r, 1)))
		return false;
	size_t n = run_upto(r, 1, host_char, MAX_HOST);
	if (!memchr(r->in.p + r->at + 1, '.', n))
		return false;
	keep(r, 1);
	mark(r, CLASS_HOST, n + port_len(r, n));
	return true;
}

static bool host_field(struct reader *r)
{
	static const char name[] = "\nhost:";
	for (size_t i = 0; name[i]; i++)
		if ((peek(r, i) | (i ? 0x20 : 0)) != name[i])
			return false;
	size_t n = sizeof name - 1;
	while (peek(r, n) == ' ')
		n++;
	keep(r, n);
	n = run(r, 0, authority_char);
	if (n)
		mark(r, CLASS_HOST, n);
	return true;
}

/* a.b.c.d with numbers of at most three digits. */
static size_t ipv4_len(const struct reader *r)
{
	size_t at = 0;

	if (r->at >= 2 && r->in.p[r->at - 1] == '.' && digit(r->in.p[r->at - 2]))
		return 0; /* in the middle of a longer one: a version, an OID */
	for (int i = 0; i < 4; i++) {
		size_t n = run(r, at, digit);
		if (n < 1 || n > 3 || (i < 3 && peek(r, at + n) != '.'))
			return 0;
		at += n + (i < 3);
	}
	if (word(peek(r, at)) || (peek(r, at) == '.' && digit(peek(r, at + 1))))
		return 0;
	return at;
}

static bool v6_char(uint8_t c)
{
	return hex(c) || c == ':' || c == '.';
}

static size_t ipv6_len(const struct reader *r)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr a;
	size_t n = run_upto(r, 0, v6_char, sizeof copy);

	if (n < 3 || n >= sizeof copy || word(peek(r, n)))
		return 0;
	const uint8_t *from = r->in.p + r->at, *colon = memchr(from, ':', n);
	if (!colon || !memchr(colon + 1, ':', n - (size_t)(colon + 1 - from)))
		return 0;
	memcpy(copy, from, n);
	copy[n] = 0;
	return inet_pton(AF_INET6, copy, &a) == 1 ? n : 0;
}

static size_t mac_len(const struct reader *r)
{
	uint8_t sep = peek(r, 2);
	if (sep != ':' && sep != '-')
		return 0;
	for (size_t i = 0; i < 6; i++)
		if (!hex(peek(r, 3 * i)) || !hex(peek(r, 3 * i + 1)) ||
		    (i < 5 && peek(r, 3 * i + 2) != sep))
			return 0;
	return word(peek(r, 17)) ? 0 : 17;
}

/* Top-level domains that are no file name's ending. */
static bool is_tld(const uint8_t *p, size_t n)
{
	static const char *const list[] = {
		"com", "net", "org", "info", "biz",  "edu",    "gov",     "ru",   "cn",    "io",
		"xyz", "top", "cc",  "tk",   "ml",   "ga",     "gq",      "uk",   "de",    "fr",
		"br",  "jp",  "kr",  "nl",   "eu",   "us",     "ua",      "su",   "ir",    "tr",
		"tw",  "hk",  "vn",  "club", "site", "online", "example", "test", "local", NULL};
	for (const char *const *t = list; *t; t++)
		if (strlen(*t) == n && strncasecmp(*t, (const char *)p, n) == 0)
			return true;
	return false;
}

static size_t name_len(const struct reader *r)
{
	size_t n = run_upto(r, 0, host_char, MAX_HOST);
	while (n && !word(peek(r, n - 1)))
		n--;
	const uint8_t *from = r->in.p + r->at;
	const uint8_t *dot = n ? memrchr(from, '.', n) : NULL;
	if (!dot || dot == from)
		return 0;
	size_t tld = n - (size_t)(dot + 1 - from);
	return is_tld(dot + 1, tld) ? n : 0;
}

static size_t uuid_len(const struct reader *r)
{
	static const uint8_t groups[] = {8, 4, 4, 4, 12};
	size_t at = 0;
	for (int i = 0; i < 5; i++) {
		for (size_t k = 0; k < groups[i]; k++)
			if (!hex(peek(r, at + k)))
				return 0;
		at += groups[i];
		if (i < 4 && peek(r, at++) != '-')
			return 0;
	}
	return word(peek(r, at)) ? 0 : at;
}

static int kind(uint8_t c)
{
	return digit(c) ? 0 : c >= 'a' && c <= 'z' ? 1 : c >= 'A' && c <= 'Z' ? 2 : 3;
}

/* How often the class of characters changes in a run: in words seldom, in random text at two places
 * of three. */
static size_t changes(const uint8_t *p, size_t n, size_t *digits)
{
	size_t k = 0;
	*digits = 0;
	for (size_t i = 0; i < n; i++) {
		*digits += digit(p[i]);
		k += i > 0 && kind(p[i]) != kind(p[i - 1]);
	}
	return k;
}

static bool base64_char(uint8_t c)
{
	return word(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

/* A run of base64 with the padding behind it. */
static size_t padded(const struct reader *r, size_t n)
{
	for (int i = 0; i < 2 && peek(r, n) == '='; i++)
		n++;
	return n;
}

/* Length of the random-looking run at the cursor, 0 if there is none. */
static size_t token_len(const struct reader *r)
{
	const uint8_t *p = r->in.p + r->at;
	size_t digits, n = run(r, 0, word), letters = 0;

	if (n > 2 && p[0] == '0' && (p[1] | 0x20) == 'x' && run(r, 2, hex) == n - 2)
		return n;
	size_t k = changes(p, n, &digits);
	if (n >= 8 && digits && digits < n && run(r, 0, hex) >= n)
		return n;
	size_t wide = run_upto(r, 0, base64_char, MAX_JUDGED);
	if (wide >= 20) {
		size_t wide_digits, wide_k = changes(p, wide, &wide_digits);
		for (size_t i = 0; i < wide; i++)
			letters += alpha(p[i]);
		if (letters && (wide_digits ? wide_k * 20 >= wide * 7 : wide_k * 2 >= wide))
			return padded(r, run(r, 0, base64_char));
	}
	if (n >= 6 && digits && digits < n && k >= 3 && k * 3 >= n - 1)
		return n;
	return 0;
}

static bool piece(struct reader *r)
{
	size_t n;

	if ((n = ipv4_len(r)) != 0)
		mark(r, CLASS_HOST, n + port_len(r, n));
	else if ((n = ipv6_len(r)) != 0 || (n = mac_len(r)) != 0)
		mark(r, CLASS_HOST, n);
	else if ((n = name_len(r)) != 0)
		mark(r, CLASS_HOST, n + port_len(r, n));
	else if ((n = uuid_len(r)) != 0 || (n = token_len(r)) != 0)
		mark(r, CLASS_TOKEN, n);
	else
		return false;
	return true;
}

size_t class_normal(struct bytes in, uint8_t *out)
{
	struct reader r = {.in = in, .out = out};
	bool inside = false; /* a word: pieces begin at its start only */

	while (r.at < in.n) {
		uint8_t c = in.p[r.at];
		if (c == '%' && hex(peek(&r, 1)) && hex(peek(&r, 2))) {
			keep(&r, 3);
			inside = false;
		} else if (c == '\\' && peek(&r, 1) == 'x' && hex(peek(&r, 2)) &&
			   hex(peek(&r, 3))) {
			keep(&r, 4);
			inside = false;
		} else if ((c == ':' && url_host(&r)) || (c == '@' && at_host(&r)) ||
			   (c == '\n' && host_field(&r))) {
			inside = false;
		} else if (!inside && (word(c) || c == ':') && piece(&r)) {
			inside = false;
		} else if (digit(c)) {
			mark(&r, CLASS_NUMBER, run(&r, 0, digit));
			inside = true;
		} else {
			keep(&r, 1);
			inside = word(c);
		}
	}
	return r.n;
}
