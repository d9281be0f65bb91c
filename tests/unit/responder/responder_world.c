#include "responder_world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "responder_world_own.h"

/* For one world at a time: this is most of its memory. */
static uint8_t arrived[STREAMS][SPAN / 8 + 1];

#define HOLDS(cond)                                                                   \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf(stderr, "harmless: frame %llu: %s (line %d)\n",       \
				(unsigned long long)w->sums.frames, #cond, __LINE__); \
			abort();                                                      \
		}                                                                     \
	} while (0)

static void core_start(struct world *w)
{
	struct responder_conf c = {
		.mtu = 1500,
		.source = {1000, 2000},
		.prefix = {4000, 4000},
		.total = {10000, 10000},
		.buckets = 1024,
		.connections = 64,
		.connection_bytes = 250000,
		.idle_ns = 60000 * MILLI,
		.evict_ns = 5000 * MILLI,
		.cookie_ns = 64000 * MILLI,
		.rst_tuples = 1024,
		.rst_ns = 5000 * MILLI,
		.reflect = {25, 60000 * MILLI, 30, 16, 3, 120000 * MILLI, 200, 20000 * MILLI,
			    30000 * MILLI},
		.suspects = 64,
		.verified = 256,
		.arp = true,
		.icmp_echo = w->echo,
		.neighbours = 256,
	};
	char err[256];
	struct addr own = ip("203.0.113.1");

	memcpy(c.mac, mac_sensor, 6);
	memcpy(c.seed, &w->seed, sizeof(w->seed));
	HOLDS(responder_init(&w->core, &c, w->now, err, sizeof(err)) == 0);
	HOLDS(watch_add(&w->core.watch, "203.0.113.0/24") == 0);
	HOLDS(watch_add(&w->core.watch, "2001:db8:ff::/64") == 0);
	HOLDS(watch_own(&w->core.watch, &own) == 0);
	HOLDS(portset_add(&w->core.watch.excluded, "7000-7010") == 0);
	HOLDS(portset_add(&w->core.watch.excluded, "22") == 0);
}

static void forget(struct world *w)
{
	memset(w->given, 0, sizeof(w->given));
	memset(w->bucket, 0, sizeof(w->bucket));
	w->n = 0;
	w->balances = 0;
}

struct world *world_new(uint64_t seed, bool echo)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->seed = seed;
	w->echo = echo;
	w->now = 1000000 * MILLI;
	core_start(w);
	return w;
}

void world_free(struct world **w)
{
	if (!*w)
		return;
	forget(*w);
	responder_fini(&(*w)->core);
	free(*w);
	*w = NULL;
}

struct responder *world_core(struct world *w)
{
	return &w->core;
}

uint64_t world_now(const struct world *w)
{
	return w->now;
}

struct world_sums world_sums(const struct world *w)
{
	return w->sums;
}

void world_pass(struct world *w, uint64_t ns)
{
	w->now += ns;
	responder_tick(&w->core, w->now);
	w->core.events = 0;
	w->core.reflect.events = 0;
}

static struct balance *balance_of(struct world *w, const struct addr *a, uint8_t bits)
{
	struct net who = net_of(a, bits);

	for (uint32_t i = 0; i < w->balances; i++)
		if (memcmp(&w->balance[i].who, &who, sizeof(who)) == 0)
			return &w->balance[i];
	w->balance[w->balances] = (struct balance){who, 0, 0};
	return &w->balance[w->balances++];
}

static void credit(struct world *w, const struct addr *a, uint64_t in, uint64_t out)
{
	struct balance *one = balance_of(w, a, a->family == 4 ? 32 : 128),
		       *all = balance_of(w, a, a->family == 4 ? 24 : 48);

	one->in += in;
	one->out += out;
	all->in += in;
	all->out += out;
	HOLDS(one->out <= one->in);
	HOLDS(all->out <= all->in);
}

static uint32_t *bucket_of(struct world *w, const struct tuple *t)
{
	uint32_t h = t->sport * 31U + t->dport * 7U;

	for (int i = 0; i < 16; i++)
		h = h * 33 + t->src.b[i] + 5U * t->dst.b[i];
	return &w->bucket[h % STREAMS];
}

/* The next one of a 4-tuple, from *i on (plus one; 0 ends). */
static struct given *given_next(struct world *w, const struct tuple *t, uint32_t *i)
{
	while (*i) {
		struct given *g = &w->given[*i - 1];

		*i = g->next;
		if (tuple_eq(&g->t, t))
			return g;
	}
	return NULL;
}

static bool got(const struct given *g, uint32_t at)
{
	return at < SPAN && g->got[at / 8] >> (at % 8) & 1;
}

static void mark(struct given *g, uint32_t from, uint32_t n)
{
	for (; n && from < SPAN && (from % 8 || n < 8); from++, n--)
		g->got[from / 8] |= (uint8_t)(1 << from % 8);
	for (; n >= 8 && from + 8 <= SPAN; from += 8, n -= 8)
		g->got[from / 8] = 0xff;
	for (; n && from < SPAN; from++, n--)
		g->got[from / 8] |= (uint8_t)(1 << from % 8);
	while (got(g, g->whole))
		g->whole += g->got[g->whole / 8] == 0xff && g->whole % 8 == 0 ? 8 : 1;
}

static bool finned(const struct given *g, uint32_t seq)
{
	for (uint32_t i = 0; i < g->fins && i < FINS; i++)
		if (g->fin[i] == seq)
			return true;
	return false;
}

/* What a good segment brought, to every stream of its 4-tuple. */
static void arrive(struct world *w, const struct pkt *p)
{
	struct tuple t = tuple_of(p);
	struct given *g;

	if (p->flags & TCP_SYN)
		return;
	for (uint32_t i = *bucket_of(w, &t); (g = given_next(w, &t, &i));) {
		/* A segment may begin before the first byte, and bring nothing or some. */
		int32_t at = (int32_t)(p->seq - (g->irs + 1));
		uint32_t skip = at < 0 ? (uint32_t) - (int64_t)at : 0;

		if (skip < p->payload_wire)
			mark(g, (uint32_t)at + skip, p->payload_wire - skip);
		if (p->flags & TCP_FIN && !finned(g, p->seq + p->payload_wire))
			g->fin[g->fins++ % FINS] = p->seq + p->payload_wire;
		if (p->flags & TCP_ACK && p->ack == g->isn + 1)
			g->returned = true;
	}
}

/* Everything up to ack arrived: data, or a FIN as the last. */
static bool acknowledged_arrived(const struct given *g, uint32_t ack)
{
	uint32_t n = ack - (g->irs + 1);

	return n <= g->whole || (n == g->whole + 1 && finned(g, ack - 1));
}

/* Whether the block says that p came twice (RFC 2883). */
static bool twice(const struct pkt *p, const struct pkt *a, uint32_t from, uint32_t to)
{
	return (int32_t)(to - a->ack) <= 0 && (int32_t)(from - p->seq) >= 0 &&
	       (int32_t)(p->seq + p->payload_wire - to) >= 0;
}

static void check_sack(struct world *w, const struct given *g, const struct pkt *p,
		       const struct pkt *a)
{
	for (uint8_t i = 0; i < a->opt_len && a->opt[i];) {
		if (a->opt[i] == 1) {
			i++;
			continue;
		}
		HOLDS(i + 1 < a->opt_len && a->opt[i + 1] >= 2 && i + a->opt[i + 1] <= a->opt_len);
		if (a->opt[i] == 5)
			for (uint8_t k = 2; k + 8 <= a->opt[i + 1]; k = (uint8_t)(k + 8)) {
				uint32_t from, to;

				memcpy(&from, a->opt + i + k, 4);
				memcpy(&to, a->opt + i + k + 4, 4);
				from = ntohl(from);
				to = ntohl(to);
				HOLDS((int32_t)(to - from) > 0 &&
				      ((int32_t)(from - a->ack) > 0 ||
				       (k == 2 && twice(p, a, from, to))));
				for (; from != to; from++)
					HOLDS(got(g, from - (g->irs + 1)));
			}
		i = (uint8_t)(i + a->opt[i + 1]);
	}
}

static void check_synack(struct world *w, const struct pkt *p, const struct pkt *a)
{
	struct given *g;
	struct tuple t = tuple_of(p);

	HOLDS((p->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN);
	HOLDS(a->ack == p->seq + 1 && a->payload_wire == 0);
	HOLDS(a->ip_len <= p->ip_len);
	credit(w, &p->src, 0, a->ip_len);
	w->sums.synacks++;
	for (uint32_t i = *bucket_of(w, &t); (g = given_next(w, &t, &i));)
		if (g->irs == p->seq && g->isn == a->seq)
			return;
	g = &w->given[w->n++];
	*g = (struct given){.t = t,
			    .irs = p->seq,
			    .isn = a->seq,
			    .got = arrived[w->n - 1],
			    .next = *bucket_of(w, &t)};
	*bucket_of(w, &t) = w->n;
	memset(g->got, 0, sizeof(arrived[0]));
}

static void check_segment(struct world *w, const struct pkt *p, const struct pkt *a)
{
	struct tuple t = tuple_of(p);
	struct given *g;

	HOLDS(!(p->flags & TCP_SYN) && p->flags & (TCP_ACK | TCP_RST));
	HOLDS((a->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK && a->payload_wire == 0);
	for (uint32_t i = *bucket_of(w, &t); (g = given_next(w, &t, &i));) {
		/* Ours to acknowledge with: the ISN, and one more once our FIN left. */
		if (!g->returned || a->seq - (g->isn + 1) > 1 ||
		    (!(p->flags & TCP_RST) && p->ack - (g->isn + 1) > 1) ||
		    !acknowledged_arrived(g, a->ack))
			continue;
		check_sack(w, g, p, a);
		w->sums.acks++;
		return;
	}
	HOLDS(false && "a segment that nothing justifies");
}

static void check_answer(struct world *w, const struct pkt *p, const uint8_t *frame, size_t len)
{
	struct pkt a = frame_pkt(frame, len);
	enum cksum_state sum = p->stop == PKT_L4 ? pkt_cksum(p) : CKSUM_UNKNOWN;

	w->sums.answers++;
	if (p->stop == PKT_ARP) {
		HOLDS(a.stop == PKT_ARP && len == 42 + 4U * p->tags);
		return;
	}
	HOLDS(p->stop == PKT_L4 && a.stop == PKT_L4 && pkt_cksum(&a) == CKSUM_OK);
	HOLDS(a.tags == p->tags && memcmp(a.tag, p->tag, a.tags * sizeof(a.tag[0])) == 0);
	if (p->proto == 58 && p->sport == 135) {
		HOLDS(a.ip_len <= p->ip_len && a.proto == 58 && a.ttl == 255 &&
		      (a.sport == 135 || addr_eq(&a.dst, &p->src)));
		return;
	}
	HOLDS(!p->truncated && (sum == CKSUM_OK || sum == CKSUM_PARTIAL));
	HOLDS(addr_eq(&a.src, &p->dst) && addr_eq(&a.dst, &p->src) && a.ttl == 64);
	HOLDS(watch_addr(&w->core.watch, &p->dst));
	HOLDS(memcmp(a.mac_dst, p->mac_src, 6) == 0 && memcmp(a.mac_src, p->mac_dst, 6) == 0);
	w->sums.bytes_out += a.ip_len;
	if (p->proto == 1 || p->proto == 58) {
		HOLDS(w->echo && a.proto == p->proto && p->sport == (p->proto == 1 ? 8 : 128));
		HOLDS(a.ip_len <= p->ip_len);
		credit(w, &p->src, 0, a.ip_len);
		return;
	}
	HOLDS(p->proto == 6 && a.proto == 6 && a.sport == p->dport && a.dport == p->sport);
	HOLDS(!(p->dport >= 7000 && p->dport <= 7010) && p->dport != 22);
	if (a.flags & TCP_SYN)
		check_synack(w, p, &a);
	else
		check_segment(w, p, &a);
}

void world_frame(struct world *w, const uint8_t *frame, size_t len, size_t interface_len)
{
	struct pkt p;

	/* The model is bounded: when it is full, everything begins anew. */
	if (w->n == STREAMS || w->balances + 4 > ADDRESSES) {
		forget(w);
		w->verified += w->core.count[RESPONDER_VERIFIED];
		responder_fini(&w->core);
		w->seed++;
		core_start(w);
	}
	pkt_decode(1, frame, (uint32_t)len, (uint32_t)interface_len, &p);
	p.ts_ns = w->now;
	w->sums.frames++;
	if (p.stop == PKT_L4 || p.stop == PKT_IP || p.stop == PKT_FRAGMENT) {
		uint32_t at_hand = p.ip_off < len ? (uint32_t)len - p.ip_off : 0;

		credit(w, &p.src, p.ip_len < at_hand ? p.ip_len : at_hand, 0);
		w->sums.bytes_in += p.ip_len;
	}
	if (p.stop == PKT_L4 && p.proto == 6 && !p.truncated &&
	    (pkt_cksum(&p) == CKSUM_OK || pkt_cksum(&p) == CKSUM_PARTIAL))
		arrive(w, &p);
	send_batch_reset(&w->out);
	responder_frame(&w->core, w->now, &p, &w->out);
	HOLDS(w->out.n <= 1);
	if (w->out.n)
		check_answer(w, &p, w->out.mem + w->out.off[0], w->out.len[0]);
	if (w->core.events > RESPONDER_EVENTS / 2)
		w->core.events = 0;
	w->core.reflect.events = 0;
	w->sums.verified = w->verified + w->core.count[RESPONDER_VERIFIED];
}
