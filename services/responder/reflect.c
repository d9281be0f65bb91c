#include "responder/reflect.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_CELLS 65536u

int reflect_init(struct reflect *r, const struct reflect_conf *conf, uint32_t suspects,
		 uint32_t verified, const uint8_t key[16])
{
	uint32_t sets = 1;

	memset(r, 0, sizeof(*r));
	r->conf = *conf;
	r->key = hash_key(key);
	while (sets * REFLECT_WAYS < suspects)
		sets *= 2;
	r->mask = sets - 1;
	r->tag = calloc(sets, sizeof(*r->tag));
	r->set = calloc(sets, sizeof(*r->set));
	r->early = calloc(EARLY_CELLS, 1);
	if (!r->tag || !r->set || !r->early || recent_set_init(&r->verified, verified) < 0) {
		reflect_fini(r);
		return -ENOMEM;
	}
	return 0;
}

void reflect_fini(struct reflect *r)
{
	free(r->tag);
	free(r->set);
	free(r->early);
	recent_set_fini(&r->verified);
	r->tag = NULL;
	r->set = NULL;
	r->early = NULL;
}

static struct net prefix_of(const struct addr *a)
{
	return net_of(a, a->family == 4 ? 24 : 48);
}

/* Prefixes, addresses and targets share the key, not the hashes. */
static uint64_t prefix_hash(const struct reflect *r, const struct addr *src)
{
	return src->family == 4 ? hash_addr(&r->key, src, 3, 1) : hash_addr(&r->key, src, 6, 1);
}

static uint64_t address_hash(const struct reflect *r, const struct addr *a)
{
	return hash_addr(&r->key, a, 16, 2);
}

bool reflect_is_verified(const struct reflect *r, const struct addr *src, uint64_t now_ns)
{
	return !recent_set_none(&r->verified, now_ns) &&
	       recent_set_has(&r->verified, address_hash(r, src), now_ns);
}

static uint32_t tag_of(uint64_t h)
{
	return (uint32_t)(h >> 32) | 1; /* 0: empty */
}

/* The suspect that src belongs to; h is its prefix_hash(). */
static struct suspect *find(struct reflect *r, const struct addr *src, uint64_t h)
{
	const uint32_t *tag = r->tag[h & r->mask];

	for (int i = 0; i < REFLECT_WAYS; i++) {
		struct suspect *s = &r->set[h & r->mask][i];

		if (tag[i] == tag_of(h) && net_contains(&s->prefix, src))
			return s;
	}
	return NULL;
}

static uint32_t window(const uint32_t slot[REFLECT_SLOTS])
{
	uint32_t n = 0;

	for (int i = 0; i < REFLECT_SLOTS; i++)
		n += slot[i];
	return n;
}

static bool pinned(const struct suspect *s, uint64_t now_ns)
{
	return s->state == REFLECT_ALERT || s->silent_until_ns > now_ns;
}

/* Moves the window on to now; what lies behind it is forgotten. */
static void slide(struct suspect *s, uint64_t now_ns)
{
	uint64_t slot = now_ns / REFLECT_SLOT_NS;

	for (uint64_t n = 0; s->slot < slot; n++) {
		if (n == REFLECT_SLOTS) {
			s->slot = slot;
			break;
		}
		s->slot++;
		s->syn[s->slot % REFLECT_SLOTS] = 0;
		s->rst[s->slot % REFLECT_SLOTS] = 0;
	}
}

static void restart(struct suspect *s, struct net prefix, uint64_t now_ns)
{
	memset(s, 0, sizeof(*s));
	s->prefix = prefix;
	s->first_ns = s->last_ns = now_ns;
	s->slot = now_ns / REFLECT_SLOT_NS;
}

static bool full(const uint32_t tag[REFLECT_WAYS])
{
	for (int i = 0; i < REFLECT_WAYS; i++)
		if (!tag[i])
			return false;
	return true;
}

static struct suspect *make(struct reflect *r, struct net prefix, uint64_t h, uint64_t now_ns)
{
	struct suspect *set = r->set[h & r->mask], *victim = NULL;
	uint32_t least = UINT32_MAX;

	if (full(r->tag[h & r->mask]) && r->crowd++ % REFLECT_PATIENCE) {
		r->evicted++;
		return NULL;
	}
	for (int i = 0; i < REFLECT_WAYS; i++) {
		uint32_t n;

		if (!set[i].prefix.addr.family) {
			victim = &set[i];
			least = 0;
			break;
		}
		if (pinned(&set[i], now_ns))
			continue;
		slide(&set[i], now_ns);
		n = window(set[i].syn);
		if (n < least) {
			least = n;
			victim = &set[i];
		}
	}
	if (!victim) {
		r->evicted++;
		return NULL;
	}
	if (victim->prefix.addr.family && least)
		r->evicted++;
	restart(victim, prefix, now_ns);
	r->tag[h & r->mask][victim - set] = tag_of(h);
	return victim;
}

static void target_add(struct reflect *r, struct suspect *s, const struct addr *dst, uint16_t dport)
{
	uint64_t h = hash_addr(&r->key, dst, 16, 3 + ((uint64_t)dport << 8));
	uint8_t rank;

	rank = (uint8_t)(__builtin_ctzll(h >> 8 | UINT64_C(1) << 55) + 1);
	if (s->hll[h % REFLECT_HLL] < rank)
		s->hll[h % REFLECT_HLL] = rank;

	for (uint8_t i = 0; i < s->ports && i < REFLECT_PORTS; i++)
		if (s->port[i] == dport)
			return;
	if (s->ports < REFLECT_PORTS)
		s->port[s->ports++] = dport;
	else
		s->ports = REFLECT_PORTS + 1;
}

/* Distinct targets so far. */
static double targets(const struct suspect *s)
{
	const double m = REFLECT_HLL, alpha = 0.7213 / (1 + 1.079 / m);
	double sum = 0, e;
	int zero = 0;

	for (int i = 0; i < REFLECT_HLL; i++) {
		sum += ldexp(1, -s->hll[i]);
		zero += !s->hll[i];
	}
	e = alpha * m * m / sum;
	return e <= 2.5 * m && zero ? m * log(m / zero) : e;
}

static bool repeats(const struct reflect *r, const struct suspect *s)
{
	return (double)s->total >= r->conf.repeats * targets(s);
}

static struct net subject(const struct suspect *s)
{
	return s->whole ? s->prefix : net_of(&s->one, s->one.family == 4 ? 32 : 128);
}

/* Attacks begin and end only while there is room to say so: none begins unheard or is heard of for
 * ever. */
static bool room(const struct reflect *r)
{
	return r->events < REFLECT_EVENTS;
}

static void emit(struct reflect *r, const struct suspect *s, bool begin, uint64_t in_window)
{
	struct reflect_event *e;
	uint64_t span_ns;

	e = &r->event[r->events++];
	memset(e, 0, sizeof(*e));
	e->begin = begin;
	e->prefix = subject(s);
	e->ports = s->ports > REFLECT_PORTS ? REFLECT_PORTS : s->ports;
	memcpy(e->port, s->port, sizeof(e->port));
	/* A window that has not filled yet is as long as the attack. */
	span_ns = s->last_ns - s->first_ns;
	if (span_ns > REFLECT_SLOTS * REFLECT_SLOT_NS)
		span_ns = REFLECT_SLOTS * REFLECT_SLOT_NS;
	e->rate = (double)in_window * 1e9 / (double)(span_ns ? span_ns : REFLECT_SLOT_NS);
	e->count = s->total;
	e->first_ns = s->first_ns;
	e->last_ns = s->last_ns;
}

/* Whether what was counted makes an attack. */
static void judge(struct reflect *r, struct suspect *s, uint64_t now_ns)
{
	uint32_t n = window(s->syn);

	if (n > s->peak)
		s->peak = n;
	if (n < r->conf.per_min)
		return;
	s->hot_ns = now_ns;
	if (s->state == REFLECT_ALERT || s->total < r->conf.packets ||
	    now_ns - s->first_ns < r->conf.min_ns || s->ports > r->conf.ports || !repeats(r, s) ||
	    !room(r))
		return;
	s->state = REFLECT_ALERT;
	/* Four of five from one address make it that address's attack. */
	s->whole = s->votes * UINT64_C(10) < s->total * 6;
	r->alerts++;
	r->active++;
	emit(r, s, true, n);
}

static void vote(struct suspect *s, const struct addr *src)
{
	if (s->votes && addr_eq(&s->one, src)) {
		s->votes++;
	} else if (!s->votes) {
		s->one = *src;
		s->votes = 1;
	} else {
		s->votes--;
	}
}

static uint32_t early_cell(uint64_t h)
{
	return h >> 32 & (EARLY_CELLS - 1);
}

void reflect_expect(const struct reflect *r, const struct addr *src)
{
	uint64_t h = prefix_hash(r, src);

	__builtin_prefetch(r->tag[h & r->mask]);
	__builtin_prefetch(&r->early[early_cell(h)], 1);
}

/* Whether a prefix that is not followed yet has sent enough in this slot to be. */
static bool early(struct reflect *r, uint64_t h, uint64_t now_ns)
{
	uint64_t slot = now_ns / REFLECT_SLOT_NS;
	uint8_t *cell = &r->early[early_cell(h)];

	if (slot != r->early_slot) {
		memset(r->early, 0, EARLY_CELLS);
		r->early_slot = slot;
	}
	if (*cell < UINT8_MAX)
		++*cell;
	return *cell >= REFLECT_FIRST;
}

enum reflect_verdict reflect_syn(struct reflect *r, const struct addr *src, const struct addr *dst,
				 uint16_t dport, uint64_t now_ns)
{
	uint64_t h = prefix_hash(r, src);
	struct suspect *s = find(r, src, h);
	uint32_t *count;

	if (!s && !early(r, h, now_ns))
		return REFLECT_PASS;
	if (reflect_is_verified(r, src, now_ns))
		return REFLECT_PASS;
	if (!s) {
		s = make(r, prefix_of(src), h, now_ns);
		if (!s)
			return REFLECT_PASS;
		s->total = REFLECT_FIRST - 1;
		s->votes = REFLECT_FIRST - 1;
		s->one = *src;
		s->syn[s->slot % REFLECT_SLOTS] = REFLECT_FIRST - 1;
	}
	/* The window is looked at when it is about to slide, while it holds six whole slots. */
	if (s->slot != now_ns / REFLECT_SLOT_NS)
		judge(r, s, now_ns);
	slide(s, now_ns);
	if (!window(s->syn) && !pinned(s, now_ns))
		restart(s, s->prefix,
			now_ns); /* silent for a whole window: what comes now is something new */
	count = &s->syn[s->slot % REFLECT_SLOTS];
	++*count;
	s->total++;
	s->last_ns = now_ns;
	vote(s, src);
	target_add(r, s, dst, dport);
	if (s->state == REFLECT_ALERT && (s->whole || addr_eq(&s->one, src)))
		return REFLECT_SUPPRESS_ALERT;
	if (s->silent_until_ns > now_ns)
		return REFLECT_SUPPRESS_VICTIM;
	return REFLECT_PASS;
}

void reflect_rst(struct reflect *r, const struct addr *src, uint64_t now_ns)
{
	struct suspect *s = find(r, src, prefix_hash(r, src));

	if (!s || !r->conf.rsts || reflect_is_verified(r, src, now_ns))
		return;
	slide(s, now_ns);
	s->rst[s->slot % REFLECT_SLOTS]++;
	if (window(s->rst) < r->conf.rsts || !repeats(r, s))
		return;
	if (s->silent_until_ns <= now_ns)
		r->victims++;
	s->silent_until_ns = now_ns + r->conf.silence_ns;
}

void reflect_verified(struct reflect *r, const struct addr *src, uint64_t now_ns)
{
	struct suspect *s;

	if (reflect_is_verified(r, src, now_ns)) {
		recent_set_add(&r->verified, address_hash(r, src), now_ns, r->conf.verified_ns);
		return;
	}
	recent_set_add(&r->verified, address_hash(r, src), now_ns, r->conf.verified_ns);
	s = find(r, src, prefix_hash(r, src));
	/* Its SYNs so far were honest: when they are most of what the prefix sent, nothing is left
	 * of the suspicion. Others in the prefix remain suspect. */
	if (s && s->state == REFLECT_NONE && addr_eq(&s->one, src) &&
	    s->votes * UINT64_C(10) >= s->total * 6)
		restart(s, s->prefix, now_ns);
}

void reflect_tick(struct reflect *r, uint64_t now_ns)
{
	if (!r->active)
		return;
	for (uint32_t i = 0; i <= r->mask; i++)
		for (int j = 0; j < REFLECT_WAYS; j++) {
			struct suspect *s = &r->set[i][j];

			if (s->state != REFLECT_ALERT || now_ns - s->hot_ns < r->conf.quiet_ns)
				continue;
			if (!room(r))
				return; /* the next second */
			r->active--;
			emit(r, s, false, s->peak);
			restart(s, s->prefix, now_ns);
		}
}

bool reflect_take(struct reflect *r, struct reflect_event *out)
{
	if (!r->events)
		return false;
	*out = r->event[0];
	r->events--;
	memmove(&r->event[0], &r->event[1], r->events * sizeof(*out));
	return true;
}
