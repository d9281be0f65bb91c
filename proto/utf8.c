#include "proto/utf8.h"

#include <stdbool.h>
#include <string.h>

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_len(const uint8_t *p, size_t n)
{
	uint8_t c = p[0];
	if (c < 0x80)
		return 1;
	/* The ranges of RFC 3629, section 4: the second byte excludes overlong forms and
	 * surrogates. */
	if (c < 0xc2 || c > 0xf4 || n < 2)
		return 0;
	if (c < 0xe0)
		return is_tail(p[1]) ? 2 : 0;
	uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high || n < 3 || !is_tail(p[2]))
		return 0;
	if (c < 0xf0)
		return 3;
	return n >= 4 && is_tail(p[3]) ? 4 : 0;
}

size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *cp)
{
	size_t len = n ? utf8_len(p, n) : 0;

	if (len == 0)
		return 0;
	if (len == 1) {
		*cp = p[0];
		return 1;
	}
	*cp = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		*cp = *cp << 6 | (p[i] & 0x3fu);
	return len;
}

size_t utf8_good(const uint8_t *p, size_t n)
{
	size_t i = 0;
	while (i < n) {
		uint64_t word;
		if (n - i >= sizeof word) {
			memcpy(&word, p + i, sizeof word);
			if (!(word & 0x8080808080808080u)) {
				i += sizeof word;
				continue;
			}
		}
		size_t len = utf8_len(p + i, n - i);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

void utf8_dot(uint8_t *p, size_t n)
{
	for (size_t i = utf8_good(p, n); i < n; i += utf8_good(p + i, n - i))
		p[i++] = '.';
}

bool utf8_misleads(uint32_t cp)
{
	if (cp < 0x300)
		return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
	if (cp < 0x2000)
		return cp == 0x61c; /* Arabic letter mark */
	if (cp < 0x2070)
		return (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
		       cp >= 0x2060;
	return cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f);
}
