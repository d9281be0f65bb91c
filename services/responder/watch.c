#include "responder/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *portset_number(const char *text, uint32_t *out)
{
	uint32_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && v <= 65535; p++)
		v = v * 10 + (uint32_t)(*p - '0');
	*out = v;
	return p == text || v > 65535 ? NULL : p;
}

int portset_add(struct portset *s, const char *text)
{
	uint32_t lo, hi;
	const char *p = portset_number(text, &lo);

	if (!p)
		return -EINVAL;
	hi = lo;
	if (*p == '-') {
		p = portset_number(p + 1, &hi);
		if (!p || hi < lo)
			return -EINVAL;
	}
	if (*p)
		return -EINVAL;
	for (uint32_t i = lo; i <= hi; i++)
		s->bit[i / 64] |= UINT64_C(1) << (i % 64);
	return 0;
}

bool portset_next(const struct portset *s, uint32_t from, uint16_t *lo, uint16_t *hi)
{
	while (from < 65536 && !portset_has(s, (uint16_t)from))
		from++;
	if (from >= 65536)
		return false;
	*lo = (uint16_t)from;
	while (from + 1 < 65536 && portset_has(s, (uint16_t)(from + 1)))
		from++;
	*hi = (uint16_t)from;
	return true;
}

void watch_init(struct watch *w)
{
	memset(w, 0, sizeof *w);
}

int watch_add(struct watch *w, const char *cidr)
{
	struct net n;

	if (net_parse(cidr, &n) < 0)
		return -EINVAL;
	if (w->nets == WATCH_NETS)
		return -ENOSPC;
	w->net[w->nets++] = n;
	return 0;
}

int watch_own(struct watch *w, const struct addr *a)
{
	if (w->owns == WATCH_OWN)
		return -ENOSPC;
	w->own[w->owns++] = *a;
	return 0;
}

bool watch_owns(const struct watch *w, const struct addr *a)
{
	for (size_t i = 0; i < w->owns; i++)
		if (addr_eq(&w->own[i], a))
			return true;
	return false;
}

int watch_attach(struct watch *w, const struct net *n)
{
	if (n->addr.family != 4 || n->bits > 30)
		return 0;
	if (w->attachments == WATCH_OWN)
		return -ENOSPC;
	w->attached[w->attachments++] = net_of(&n->addr, n->bits);
	return 0;
}

static uint32_t watch_v4_number(const struct addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

bool watch_edge(const struct watch *w, const struct addr *a)
{
	for (size_t i = 0; i < w->attachments; i++) {
		const struct net *n = &w->attached[i];
		uint32_t host = watch_v4_number(a) & (UINT32_MAX >> n->bits);
		if (net_contains(n, a) && (host == 0 || host == UINT32_MAX >> n->bits))
			return true;
	}
	return false;
}

bool watch_addr(const struct watch *w, const struct addr *a)
{
	if (watch_edge(w, a))
		return false;
	for (size_t i = 0; i < w->nets; i++)
		if (net_contains(&w->net[i], a))
			return true;
	return false;
}

static bool watch_watches(const struct watch *w, const struct net *n)
{
	for (size_t i = 0; i < w->nets; i++)
		if (memcmp(&w->net[i], n, sizeof *n) == 0)
			return true;
	return false;
}

static bool watch_overlaps(const struct watch *w, const struct net *n)
{
	for (size_t i = 0; i < w->nets; i++)
		if (net_contains(&w->net[i], &n->addr) || net_contains(n, &w->net[i].addr))
			return true;
	return false;
}

static bool watch_is_attached(const struct watch *w, const struct net *n)
{
	for (size_t i = 0; i < w->attachments; i++)
		if (memcmp(&w->attached[i], n, sizeof *n) == 0)
			return true;
	return false;
}

/* Whether all that matters of a is in b. */
static bool watch_within(const struct watch *a, const struct watch *b)
{
	for (size_t i = 0; i < a->nets; i++)
		if (!watch_watches(b, &a->net[i]))
			return false;
	for (size_t i = 0; i < a->owns; i++)
		if (watch_addr(a, &a->own[i]) && !watch_owns(b, &a->own[i]))
			return false;
	for (size_t i = 0; i < a->attachments; i++)
		if (watch_overlaps(a, &a->attached[i]) && !watch_is_attached(b, &a->attached[i]))
			return false;
	return true;
}

bool watch_same(const struct watch *a, const struct watch *b)
{
	return watch_within(a, b) && watch_within(b, a);
}

bool watch_port(const struct watch *w, const struct addr *a, uint16_t port)
{
	if (!watch_addr(w, a) || portset_has(&w->excluded, port))
		return false;
	return !portset_has(&w->host_ports, port) || !watch_owns(w, a);
}
