#include "pkt/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct addr addr_v4(const uint8_t *b)
{
	struct addr a = {.family = 4};
	memcpy(a.b, b, 4);
	return a;
}

struct addr addr_v6(const uint8_t *b)
{
	struct addr a = {.family = 6};
	memcpy(a.b, b, 16);
	return a;
}

int addr_parse(const char *text, struct addr *out)
{
	*out = (struct addr){0};
	if (inet_pton(AF_INET, text, out->b) == 1) {
		out->family = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, out->b) == 1) {
		out->family = 6;
		return 0;
	}
	*out = (struct addr){0};
	return -EINVAL;
}

static char *put_octet(char *p, unsigned v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

size_t addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	/* Every record has two IPv4 addresses; inet_ntop goes through printf for them. */
	if (a->family == 4) {
		char *p = out;
		for (int i = 0; i < 4; i++) {
			if (i)
				*p++ = '.';
			p = put_octet(p, a->b[i]);
		}
		*p = 0;
		return (size_t)(p - out);
	}
	if (a->family == 6 && inet_ntop(AF_INET6, a->b, out, ADDR_TEXT_MAX))
		return strlen(out);
	out[0] = 0;
	return 0;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a);
}

static unsigned max_bits(const struct addr *a)
{
	return a->family == 4 ? 32 : a->family == 6 ? 128 : 0;
}

static void clear_host_bits(struct addr *a, unsigned bits)
{
	for (unsigned i = 0; i < sizeof a->b; i++) {
		if (bits >= 8 * (i + 1))
			continue;
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
		a->b[i] &= (uint8_t)(0xff00u >> keep);
	}
}

struct net net_of(const struct addr *a, uint8_t bits)
{
	struct net n = {.addr = *a, .bits = bits};
	if (n.bits > max_bits(a))
		n.bits = (uint8_t)max_bits(a);
	clear_host_bits(&n.addr, n.bits);
	return n;
}

int net_parse(const char *text, struct net *out)
{
	char copy[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct addr a;
	unsigned bits;

	*out = (struct net){0};
	if (n >= sizeof copy)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	if (addr_parse(copy, &a))
		return -EINVAL;
	bits = max_bits(&a);
	if (slash) {
		const char *p = slash + 1;
		unsigned v = 0;
		size_t digits = strspn(p, "0123456789");
		if (digits < 1 || digits > 3 || p[digits])
			return -EINVAL;
		for (; *p; p++)
			v = v * 10 + (unsigned)(*p - '0');
		if (v > bits)
			return -EINVAL;
		bits = v;
	}
	struct net made = net_of(&a, (uint8_t)bits);
	if (!addr_eq(&made.addr, &a))
		return -EINVAL;
	*out = made;
	return 0;
}

bool net_contains(const struct net *n, const struct addr *a)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (n->addr.family != a->family)
		return false;
	if (memcmp(n->addr.b, a->b, whole) != 0)
		return false;
	return !rest || !((n->addr.b[whole] ^ a->b[whole]) & (0xff00u >> rest & 0xffu));
}
