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
#define MIN_BASE64 20 /* shortest run that is taken for base64 */
#define MAX_JUDGED 96 /* bytes by which a long run is judged random or not */
#define SHORT_WORD 6  /* shortest run of letters and digits that is a token without a 0x */

struct reader {
	struct bytes in;
	size_t at;
	uint8_t *out;
	size_t n;
	size_t no_name; /* up to here there is no host name: the run ends in no TLD */
};

/* Sorts of bytes, as bits of a table: the runs below are where the time goes. */
enum {
	DIGIT = 1,
	LOWER = 2,
	UPPER = 4,
	HEX = 8,
	IN_HOST = 16,
	IN_URL = 32,
	IN_BASE64 = 64,
	IN_V6 = 128,
	SIGN = 256 /* no part of a word, but something may begin here */
};
#define WORD (DIGIT | LOWER | UPPER)

#define D  (DIGIT | HEX | IN_HOST | IN_URL | IN_BASE64 | IN_V6)
#define L  (LOWER | IN_HOST | IN_URL | IN_BASE64)
#define U  (UPPER | IN_HOST | IN_URL | IN_BASE64)
#define LX (L | HEX | IN_V6)
#define UX (U | HEX | IN_V6)
/* clang-format off */
static const uint16_t sort_of[256] = {
	['0'] = D, ['1'] = D, ['2'] = D, ['3'] = D, ['4'] = D, ['5'] = D, ['6'] = D, ['7'] = D, ['8'] = D, ['9'] = D,
	['a'] = LX, ['b'] = LX, ['c'] = LX, ['d'] = LX, ['e'] = LX, ['f'] = LX,
	['g'] = L, ['h'] = L, ['i'] = L, ['j'] = L, ['k'] = L, ['l'] = L, ['m'] = L, ['n'] = L, ['o'] = L, ['p'] = L,
	['q'] = L, ['r'] = L, ['s'] = L, ['t'] = L, ['u'] = L, ['v'] = L, ['w'] = L, ['x'] = L, ['y'] = L, ['z'] = L,
	['A'] = UX, ['B'] = UX, ['C'] = UX, ['D'] = UX, ['E'] = UX, ['F'] = UX,
	['G'] = U, ['H'] = U, ['I'] = U, ['J'] = U, ['K'] = U, ['L'] = U, ['M'] = U, ['N'] = U, ['O'] = U, ['P'] = U,
	['Q'] = U, ['R'] = U, ['S'] = U, ['T'] = U, ['U'] = U, ['V'] = U, ['W'] = U, ['X'] = U, ['Y'] = U, ['Z'] = U,
	['.'] = IN_HOST | IN_URL | IN_V6,
	['-'] = IN_HOST | IN_URL | IN_BASE64,
	['_'] = IN_HOST | IN_URL | IN_BASE64,
	[':'] = IN_URL | IN_V6 | SIGN,
	['['] = IN_URL, [']'] = IN_URL, ['%'] = IN_URL | SIGN, ['@'] = IN_URL | SIGN, ['$'] = IN_URL, ['{'] = IN_URL, ['}'] = IN_URL,
	['+'] = IN_BASE64, ['/'] = IN_BASE64, ['\\'] = SIGN, ['\n'] = SIGN,
};
/* clang-format on */
#undef D
#undef L
#undef U
#undef LX
#undef UX

static bool is(uint8_t c, unsigned sorts)
{
	return sort_of[c] & sorts;
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

/* keep_others: the run of bytes at the cursor that are neither WORD nor SIGN. */
static void keep_others(struct reader *r)
{
	const uint8_t *p = r->in.p + r->at, *end = r->in.p + r->in.n;
	uint8_t *out = r->out + r->n;

	while (p < end && !is(*p, WORD | SIGN))
		*out++ = *p++;
	r->at = (size_t)(p - r->in.p);
	r->n = (size_t)(out - r->out);
}

static void mark(struct reader *r, uint8_t marker, size_t n)
{
	r->out[r->n++] = marker;
	r->at += n;
}

/* How many bytes, at most max, from a place on are of one sort. */
static size_t run_upto(const struct reader *r, size_t from, unsigned sorts, size_t max)
{
	size_t n = 0;
	while (n < max && r->at + from + n < r->in.n && is(r->in.p[r->at + from + n], sorts))
		n++;
	return n;
}

static size_t run(const struct reader *r, size_t from, unsigned sorts)
{
	return run_upto(r, from, sorts, SIZE_MAX);
}

/* ":1234" behind a host. */
static size_t port_len(const struct reader *r, size_t from)
{
	if (peek(r, from) != ':')
		return 0;
	size_t n = run(r, from + 1, DIGIT);
	return n >= 1 && n <= 5 ? n + 1 : 0;
}

static bool url_host(struct reader *r)
{
	if (peek(r, 0) != ':' || peek(r, 1) != '/' || peek(r, 2) != '/')
		return false;
	size_t n = run(r, 3, IN_URL);
	keep(r, 3);
	if (n)
		mark(r, CLASS_HOST, n);
	return true;
}

static bool at_host(struct reader *r)
{
	if (peek(r, 0) != '@' || !is(peek(r, 1), WORD))
		return false;
	size_t n = run_upto(r, 1, IN_HOST, MAX_HOST);
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
	n = run(r, 0, IN_URL);
	if (n)
		mark(r, CLASS_HOST, n);
	return true;
}

/* a.b.c.d with numbers of at most three digits. */
static size_t ipv4_len(const struct reader *r)
{
	size_t at = 0;

	if (r->at >= 2 && r->in.p[r->at - 1] == '.' && is(r->in.p[r->at - 2], DIGIT))
		return 0; /* in the middle of a longer one: a version, an OID */
	for (int i = 0; i < 4; i++) {
		size_t n = run(r, at, DIGIT);
		if (n < 1 || n > 3 || (i < 3 && peek(r, at + n) != '.'))
			return 0;
		at += n + (i < 3);
	}
	if (is(peek(r, at), WORD) || (peek(r, at) == '.' && is(peek(r, at + 1), DIGIT)))
		return 0;
	return at;
}

static size_t ipv6_len(const struct reader *r)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr a;
	size_t n = run_upto(r, 0, IN_V6, sizeof copy);

	if (n < 3 || n >= sizeof copy || is(peek(r, n), WORD))
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
		if (!is(peek(r, 3 * i), HEX) || !is(peek(r, 3 * i + 1), HEX) ||
		    (i < 5 && peek(r, 3 * i + 2) != sep))
			return 0;
	return is(peek(r, 17), WORD) ? 0 : 17;
}

/* Top-level domains that are no file name's ending. */
static bool is_tld(const uint8_t *p, size_t n)
{
	static const char *const list[] = {
		"com", "net", "org", "info", "biz",  "edu",    "gov",     "ru",   "cn",    "io",
		"xyz", "top", "cc",  "tk",   "ml",   "ga",     "gq",      "uk",   "de",    "fr",
		"br",  "jp",  "kr",  "nl",   "eu",   "us",     "ua",      "su",   "ir",    "tr",
		"tw",  "hk",  "vn",  "club", "site", "online", "example", "test", "local", NULL};
	for (const char *const *t = list; n && *t; t++)
		if ((p[0] | 0x20) == **t && strlen(*t) == n &&
		    strncasecmp(*t, (const char *)p, n) == 0)
			return true;
	return false;
}

static size_t name_len(struct reader *r)
{
	if (r->at < r->no_name)
		return 0;
	size_t all = run_upto(r, 0, IN_HOST, MAX_HOST), n = all;
	while (n && !is(peek(r, n - 1), WORD))
		n--;
	const uint8_t *from = r->in.p + r->at;
	const uint8_t *dot = n ? memrchr(from, '.', n) : NULL;
	if (dot && dot > from && is_tld(dot + 1, n - (size_t)(dot + 1 - from)))
		return n;
	r->no_name = r->at + all;
	return 0;
}

static size_t uuid_len(const struct reader *r)
{
	static const uint8_t groups[] = {8, 4, 4, 4, 12};
	size_t at = 0;
	for (int i = 0; i < 5; i++) {
		for (size_t k = 0; k < groups[i]; k++)
			if (!is(peek(r, at + k), HEX))
				return 0;
		at += groups[i];
		if (i < 4 && peek(r, at++) != '-')
			return 0;
	}
	return is(peek(r, at), WORD) ? 0 : at;
}

static unsigned kind(uint8_t c)
{
	return sort_of[c] & WORD;
}

/* How often the class of characters changes in a run: in words seldom, in random text at two places
 * of three. */
static size_t changes(const uint8_t *p, size_t n, size_t *digits)
{
	size_t k = 0;
	*digits = 0;
	for (size_t i = 0; i < n; i++) {
		*digits += is(p[i], DIGIT);
		k += i > 0 && kind(p[i]) != kind(p[i - 1]);
	}
	return k;
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
	size_t digits, n = run(r, 0, WORD), letters = 0;

	if (n > 2 && p[0] == '0' && (p[1] | 0x20) == 'x' && run(r, 2, HEX) == n - 2)
		return n;
	size_t k = changes(p, n, &digits);
	if (n >= 8 && digits && digits < n && run(r, 0, HEX) >= n)
		return n;
	size_t wide = n < MIN_BASE64 && k == 0 ? 0 : run_upto(r, 0, IN_BASE64, MAX_JUDGED);
	if (wide >= MIN_BASE64) {
		size_t wide_digits, wide_k = changes(p, wide, &wide_digits);
		for (size_t i = 0; i < wide; i++)
			letters += is(p[i], LOWER | UPPER);
		if (letters && (wide_digits ? wide_k * 20 >= wide * 7 : wide_k * 2 >= wide))
			return padded(r, run(r, 0, IN_BASE64));
	}
	if (n >= 6 && digits && digits < n && k >= 3 && k * 3 >= n - 1)
		return n;
	return 0;
}

static bool piece(struct reader *r)
{
	size_t n = run_upto(r, 0, WORD, SHORT_WORD);

	/* In binary data most words are this: too short for a token, and of no longer run. */
	if (n && n < SHORT_WORD && peek(r, 0) != '0' &&
	    !is(peek(r, n), IN_HOST | IN_V6 | IN_BASE64))
		return false;
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

/* Length of a plain word at the cursor, the usual case: letters of one case, too few for a token,
 * and nothing behind them that would make a name or an address of it. 0: look closer. */
static size_t plain_word(const struct reader *r, uint8_t c)
{
	size_t n = run_upto(r, 0, kind(c), MIN_BASE64);
	return n < MIN_BASE64 && !is(peek(r, n), IN_HOST | IN_V6) ? n : 0;
}

size_t class_normal(struct bytes in, uint8_t *out)
{
	struct reader r = {.in = in, .out = out};
	bool inside = false; /* a word: pieces begin at its start only */

	while (r.at < in.n) {
		uint8_t c = in.p[r.at];
		/* Where the time goes: what is neither a word nor the beginning of anything, and
		 * the letters inside a word. */
		if (!is(c, WORD | SIGN)) {
			keep_others(&r);
			inside = false;
			continue;
		}
		if (inside && is(c, LOWER | UPPER)) {
			keep(&r, run(&r, 0, LOWER | UPPER));
			continue;
		}
		size_t plain = !inside && is(c, LOWER | UPPER) ? plain_word(&r, c) : 0;
		if (plain) {
			keep(&r, plain);
			continue;
		}
		if (c == '%' && is(peek(&r, 1), HEX) && is(peek(&r, 2), HEX)) {
			keep(&r, 3);
			inside = false;
		} else if (c == '\\' && peek(&r, 1) == 'x' && is(peek(&r, 2), HEX) &&
			   is(peek(&r, 3), HEX)) {
			keep(&r, 4);
			inside = false;
		} else if ((c == ':' && url_host(&r)) || (c == '@' && at_host(&r)) ||
			   (c == '\n' && host_field(&r))) {
			inside = false;
		} else if (!inside && (is(c, WORD) || c == ':') && piece(&r)) {
			inside = false;
		} else if (is(c, DIGIT)) {
			mark(&r, CLASS_NUMBER, run(&r, 0, DIGIT));
			inside = true;
		} else {
			keep(&r, 1);
			inside = is(c, WORD);
		}
	}
	return r.n;
}
