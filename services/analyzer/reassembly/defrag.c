#include "reassembly/defrag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/siphash.h"

#define MAX_DATAGRAM 65535u
#define UNITS        (MAX_DATAGRAM / 8 + 1)
#define IP6_HEADER   40u
#define MAX_HEADER   60u /* what precedes the fragments' bytes in b: the longest IPv4 header */
#define GROW         2048u

struct key {
	struct addr src, dst;
	uint8_t proto; /* IPv4 only: RFC 8200 leaves it out */
	uint8_t pad;
	uint32_t id, space;
};

struct datagram {
	struct key key;
	struct datagram *chain;         /* of its bucket */
	struct datagram *older, *newer; /* by first fragment */
	uint64_t first_ns;
	uint32_t length; /* of the payload, once has_end */
	uint32_t units;  /* units there; with has_end, of those below length */
	bool has_end, has_start;
	uint8_t header_len, proto; /* of the first fragment */
	uint8_t there[UNITS / 8 + 1];
	uint8_t header[MAX_HEADER];
	uint8_t *b;   /* MAX_HEADER bytes of room, then the payload */
	uint32_t cap; /* of the payload */
};

struct defrag {
	struct defrag_limits limits;
	struct defrag_counts counts;
	uint8_t seed[16];
	struct datagram **bucket;
	uint32_t mask;
	uint32_t waiting;
	size_t bytes;
	struct datagram *oldest, *newest;
	uint8_t *done; /* the bytes of the last completed datagram */
};

int defrag_new(struct defrag_limits l, const uint8_t seed[16], struct defrag **out)
{
	struct defrag *d = calloc(1, sizeof *d);
	uint32_t n = 16;

	*out = NULL;
	while (n < l.max_datagrams && n < 1u << 20)
		n *= 2;
	if (d)
		d->bucket = calloc(n, sizeof(struct datagram *));
	if (!d || !d->bucket) {
		free(d);
		return -ENOMEM;
	}
	d->mask = n - 1;
	d->limits = l;
	memcpy(d->seed, seed, sizeof d->seed);
	*out = d;
	return 0;
}

static size_t cost(const struct datagram *g)
{
	return sizeof *g + (g->b ? MAX_HEADER + g->cap : 0);
}

static struct datagram **find(struct defrag *d, const struct key *key)
{
	struct datagram **at = &d->bucket[siphash24(key, sizeof *key, d->seed) & d->mask];
	while (*at && memcmp(&(*at)->key, key, sizeof *key) != 0)
		at = &(*at)->chain;
	return at;
}

/* take_out: unlinks a datagram; the caller frees it. */
static void take_out(struct defrag *d, struct datagram *g)
{
	struct datagram **at = find(d, &g->key);

	*at = g->chain;
	*(g->older ? &g->older->newer : &d->oldest) = g->newer;
	*(g->newer ? &g->newer->older : &d->newest) = g->older;
	d->bytes -= cost(g);
	d->waiting--;
}

static void discard(struct defrag *d, struct datagram *g)
{
	take_out(d, g);
	free(g->b);
	free(g);
}

void defrag_free(struct defrag **d)
{
	if (!*d)
		return;
	while ((*d)->oldest)
		discard(*d, (*d)->oldest);
	free((*d)->bucket);
	free((*d)->done);
	free(*d);
	*d = NULL;
}

static struct datagram *begin(struct defrag *d, const struct key *key, uint64_t ts_ns)
{
	while (d->oldest &&
	       (d->waiting >= d->limits.max_datagrams || d->bytes >= d->limits.max_bytes)) {
		discard(d, d->oldest);
		d->counts.evicted++;
	}
	struct datagram *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->key = *key;
	g->first_ns = ts_ns;
	struct datagram **at = find(d, key);
	*at = g;
	g->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = g;
	d->newest = g;
	d->bytes += cost(g);
	d->waiting++;
	return g;
}

static bool reserve(struct defrag *d, struct datagram *g, uint32_t end)
{
	if (g->b && end <= g->cap)
		return true;
	uint32_t cap = g->cap * 2 > GROW ? g->cap * 2 : GROW;
	if (cap < end)
		cap = end;
	uint8_t *b = realloc(g->b, MAX_HEADER + cap);
	if (!b)
		return false;
	d->bytes -= cost(g);
	g->b = b;
	g->cap = cap;
	d->bytes += cost(g);
	return true;
}

/* store: the units of one fragment that are not there yet. from is a multiple of 8. */
static void store(struct datagram *g, uint32_t from, const uint8_t *p, uint32_t n)
{
	uint8_t *to = g->b + MAX_HEADER;

	for (uint32_t at = 0; at < n; at += 8) {
		uint32_t unit = (from + at) / 8, step = n - at < 8 ? n - at : 8;
		if (g->there[unit / 8] >> (unit % 8) & 1)
			continue;
		g->there[unit / 8] |= (uint8_t)(1u << (unit % 8));
		g->units++;
		memcpy(to + from + at, p + at, step);
	}
}

static uint32_t units_below(const struct datagram *g, uint32_t end)
{
	uint32_t n = 0;
	for (uint32_t unit = 0; unit < (end + 7) / 8; unit++)
		n += g->there[unit / 8] >> (unit % 8) & 1;
	return n;
}

/* rebuild: puts the header in front of the payload as if it had never been fragmented. IPv6
 * extension headers before the fragment header are left out. */
static void rebuild(struct defrag *d, struct datagram *g, const struct pkt *p, struct pkt *whole)
{
	uint8_t *h = g->b + MAX_HEADER - g->header_len;
	uint32_t total = g->header_len + g->length;

	memcpy(h, g->header, g->header_len);
	if (g->key.src.family == 4) {
		put_be16(h + 2, (uint16_t)total);
		put_be16(h + 6, 0);
	} else {
		put_be16(h + 4, (uint16_t)g->length);
		h[6] = g->proto;
	}
	take_out(d, g);
	/* A fragment from inside the last completed datagram was copied before this. */
	uint64_t ts_ns = p->ts_ns;
	free(d->done);
	d->done = g->b;
	free(g);
	whole->ts_ns = ts_ns;
	pkt_decode_ip(h, total, total, whole);
	d->counts.completed++;
}

bool defrag_add(struct defrag *d, uint32_t space, const struct pkt *p, struct pkt *whole)
{
	bool v4 = p->src.family == 4;
	uint32_t hdr = v4 ? p->ip_hdr_len : IP6_HEADER;
	uint32_t from = p->frag_off, n = p->l4_len, end = from + n;
	struct key key = {.src = p->src,
			  .dst = p->dst,
			  .proto = v4 ? p->proto : 0,
			  .id = p->ip_id,
			  .space = space};

	d->counts.fragments++;
	while (d->oldest && p->ts_ns > d->oldest->first_ns &&
	       p->ts_ns - d->oldest->first_ns > DEFRAG_TIMEOUT_NS) {
		discard(d, d->oldest);
		d->counts.timed_out++;
	}
	/* All but the last are whole units long: what is over cannot be followed by another. */
	if (p->mf && n % 8) {
		d->counts.malformed++;
		n -= n % 8;
		end = from + n;
	}
	/* The sum must fit an IP packet. */
	if (!n || n > MAX_DATAGRAM || end > MAX_DATAGRAM - (v4 ? hdr : 0)) {
		d->counts.malformed++;
		return false;
	}
	if (p->truncated) {
		d->counts.cut++;
		return false;
	}
	struct datagram *g = *find(d, &key);
	if (!g)
		g = begin(d, &key, p->ts_ns);
	if (!g)
		return false;
	/* The first fragment that says where the datagram ends is believed; what goes beyond is
	 * cut. */
	if (g->has_end && end > g->length) {
		d->counts.malformed++;
		if (from >= g->length)
			return false;
		n = g->length - from;
		end = g->length;
	}
	if (!reserve(d, g, end))
		return false;
	store(g, from, p->frame + p->l4_off, n);
	if (!from && !g->has_start) {
		g->has_start = true;
		g->header_len = (uint8_t)hdr;
		g->proto = p->proto;
		memcpy(g->header, p->frame + p->ip_off, hdr);
	}
	if (!p->mf && !g->has_end) {
		g->has_end = true;
		g->length = end;
		g->units = units_below(g, end);
	}
	if (!g->has_end || !g->has_start || g->units < (g->length + 7) / 8 ||
	    (v4 && g->header_len + g->length > MAX_DATAGRAM))
		return false;
	rebuild(d, g, p, whole);
	return true;
}

uint32_t defrag_waiting(const struct defrag *d)
{
	return d->waiting;
}

const struct defrag_counts *defrag_counts(const struct defrag *d)
{
	return &d->counts;
}
